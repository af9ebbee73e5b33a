//! OperationOutcome, the body of every FHIR error. R4 operationoutcome.html.

use crate::base::{Problem, ProblemCode, Problems};

use super::{Json, Object};

/// How bad an issue is. R4 valueset-issue-severity.html.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing further was looked at.
    Fatal,
    /// The action failed.
    Error,
    /// The action succeeded, but not wholly as asked.
    Warning,
    /// For the reader's information.
    Information,
}

/// One issue of an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue<'a> {
    /// How bad.
    pub severity: Severity,
    /// What kind; a code of R4 valueset-issue-type.html.
    pub code: &'a str,
    /// For people; no patient data.
    pub diagnostics: &'a str,
    /// FHIRPath of the element that it is about; empty for the whole.
    pub expression: &'a str,
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
        }
    }
}

/// An outcome with these issues, in order. An outcome has one at least, so none becomes an
/// `informational` one.
pub fn outcome(issues: &[Issue<'_>]) -> Json {
    let none =
        Issue { severity: Severity::Information, code: "informational", diagnostics: "no issues", expression: "" };
    let issues = if issues.is_empty() { std::slice::from_ref(&none) } else { issues };
    Object::new()
        .with("resourceType", Json::string("OperationOutcome"))
        .with_items("issue", issues.iter().map(issue).collect())
        .into()
}

/// An outcome with one error.
pub fn error(code: &str, diagnostics: &str) -> Json {
    outcome(&[Issue { severity: Severity::Error, code, diagnostics, expression: "" }])
}

/// An outcome that names everything that is wrong with an input.
pub fn from_problems(problems: &Problems) -> Json {
    let more = format!("and {} more", problems.dropped());
    let mut issues: Vec<Issue<'_>> = problems.iter().map(of_problem).collect();
    if problems.dropped() > 0 {
        issues.push(Issue {
            severity: Severity::Error,
            code: ProblemCode::TooLong.as_str(),
            diagnostics: &more,
            expression: "",
        });
    }
    outcome(&issues)
}

fn of_problem(problem: &Problem) -> Issue<'_> {
    Issue {
        severity: Severity::Error,
        code: problem.code.as_str(),
        diagnostics: &problem.detail,
        expression: &problem.path,
    }
}

fn issue(issue: &Issue<'_>) -> Json {
    let expression = (!issue.expression.is_empty()).then(|| Json::string(issue.expression));
    Object::new()
        .with("severity", Json::string(issue.severity.as_str()))
        .with("code", Json::string(issue.code))
        .with_text("diagnostics", (!issue.diagnostics.is_empty()).then_some(issue.diagnostics))
        .with_items("expression", expression.into_iter().collect())
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_becomes_an_issue_with_its_place() {
        let mut problems = Problems::new();
        problems.add("measurements[3].unit", ProblemCode::Value, "is not a UCUM unit");
        problems.add("", ProblemCode::Structure, "is not an object");
        assert_eq!(
            from_problems(&problems).to_text(),
            concat!(
                r#"{"resourceType":"OperationOutcome","issue":["#,
                r#"{"severity":"error","code":"value","diagnostics":"is not a UCUM unit","#,
                r#""expression":["measurements[3].unit"]},"#,
                r#"{"severity":"error","code":"structure","diagnostics":"is not an object"}]}"#
            )
        );
    }

    #[test]
    fn what_did_not_fit_is_counted() {
        let mut problems = Problems::new();
        for index in 0..Problems::LIMIT + 7 {
            problems.add(format!("a[{index}]"), ProblemCode::Value, "wrong");
        }
        let outcome = from_problems(&problems);
        assert_eq!(outcome.items("issue").len(), Problems::LIMIT + 1);
        assert_eq!(outcome.text_at(&["issue", "100", "diagnostics"]), Some("and 7 more"));
    }

    #[test]
    fn an_outcome_is_never_empty() {
        assert_eq!(outcome(&[]).items("issue").len(), 1);
    }
}
