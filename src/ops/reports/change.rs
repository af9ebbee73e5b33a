//! Changes of a report: what may follow what is `report::status`; who may do what is `access`.

use crate::access::{Actor, Operation, Principal};
use crate::base::{LogicalId, ProblemCode, Problems, VersionId};
use crate::fhir::Json;
use crate::report::fhir::ids::document_id;
use crate::report::model::SectionKind;
use crate::report::{Action, PersonName, Report, ReportLimits, ReportStatus, Verifier, differences, read};
use crate::store::{ResourceWrite, StoreError, Write, WriteSet};

use super::super::{Attempt, Error, Ops};
use super::write::{NewVersion, observation_ids};
use super::{ReportVersion, object};

/// What someone wants to do to a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Write the content of an unfinished report anew.
    Update(Json),
    /// Verify it, as this person; as the actor where absent.
    Finalize(Option<Verifier>),
    /// Amend, correct or append to a verified report: the status of the new content says which.
    Amend {
        /// The whole new content.
        content: Json,
        /// Why.
        reason: Option<String>,
    },
    /// Give it up.
    Cancel(Option<String>),
    /// Withdraw it.
    EnterInError(Option<String>),
}

impl Ops {
    /// Changes a report. `expected` is the version that the change is meant for; an update must name it.
    pub async fn change_report(
        &self,
        actor: &Actor,
        id: &LogicalId,
        change: Change,
        expected: Option<VersionId>,
    ) -> Result<ReportVersion, Error> {
        let operation = change.operation();
        self.authorize(actor, operation).await?;
        self.with_retries(actor, ("DiagnosticReport", id.as_str()), || async {
            let current = self.load_report(actor, id, None).await?;
            Self::check_expected(&change, &current, expected)?;
            let changed = apply(actor, &change, &current)?;
            let predecessor = match (current.report.status.is_verified(), changed.report.status) {
                (true, status) if status.is_verified() => {
                    Some(self.predecessor(actor, id, current.edition.version).await?)
                }
                _ => None,
            };
            let new = NewVersion {
                report: changed.report,
                after: Some(&current),
                predecessor,
                reason: changed.reason,
                received: None,
            };
            let outcome = self.commit_version(actor, operation, new).await;
            match outcome {
                // With a version named, the next look tells whether it was the report itself that somebody
                // else has changed: that is the caller's to look at, not ours to redo.
                Err(Error::VersionMismatch { .. }) => Ok(Attempt::Spoilt),
                outcome => outcome.map(Attempt::Done),
            }
        })
        .await
    }

    /// Takes a draft away. Its history stays.
    pub async fn delete_report(&self, actor: &Actor, id: &LogicalId, expected: Option<VersionId>) -> Result<(), Error> {
        self.authorize(actor, Operation::ReportDelete).await?;
        self.with_retries(actor, ("DiagnosticReport", id.as_str()), || async {
            let current = self.load_report(actor, id, None).await?;
            if expected.is_some_and(|expected| expected != current.edition.version) {
                return Err(stale(current.edition.version));
            }
            if current.report.status.after(Action::Delete, None).is_none() {
                return Err(refusal("only a draft can be deleted"));
            }
            let now = self.now().to_millis();
            let mut keys =
                vec![("DiagnosticReport".to_owned(), id.clone()), ("DocumentReference".to_owned(), document_id(id))];
            let observations = observation_ids(&current.report);
            keys.extend(observations.into_iter().map(|id| ("Observation".to_owned(), id)));
            let mut set = WriteSet::new();
            for resource in self.desk(actor).resources(&keys).await? {
                // What somebody else has written since the look above may be verified.
                if resource.resource_type == "DiagnosticReport" && resource.version_id != current.edition.version {
                    return Ok(Attempt::Spoilt);
                }
                if resource.body.is_some() {
                    set.add(Write::Resource(ResourceWrite {
                        resource_type: resource.resource_type,
                        logical_id: resource.logical_id,
                        expected: Some(resource.version_id),
                        last_updated: now,
                        body: None,
                        rows: Vec::new(),
                        entries: Vec::new(),
                    }));
                }
            }
            let event = self.event(actor, Operation::ReportDelete).on(object(&current));
            match self.desk(actor).commit(set.with(Write::Audit(event))).await {
                Err(StoreError::VersionConflict { .. }) => Ok(Attempt::Spoilt),
                outcome => Ok(Attempt::Done(outcome?)),
            }
        })
        .await
    }

    fn check_expected(change: &Change, current: &ReportVersion, expected: Option<VersionId>) -> Result<(), Error> {
        match expected {
            Some(expected) if expected != current.edition.version => Err(stale(current.edition.version)),
            None if matches!(change, Change::Update(_)) => Err(Error::VersionRequired),
            _ => Ok(()),
        }
    }
}

impl Change {
    fn operation(&self) -> Operation {
        match self {
            Self::Update(_) => Operation::ReportUpdate,
            Self::Finalize(_) => Operation::ReportFinalize,
            Self::Amend { .. } => Operation::ReportAmend,
            Self::Cancel(_) => Operation::ReportCancel,
            Self::EnterInError(_) => Operation::ReportEnterInError,
        }
    }
}

struct Changed {
    report: Report,
    reason: Option<String>,
}

fn apply(actor: &Actor, change: &Change, current: &ReportVersion) -> Result<Changed, Error> {
    let status = current.report.status;
    match change {
        Change::Update(json) => {
            let report = content(json, current)?;
            match status.after(Action::Update, Some(report.status)) {
                Some(_) => Ok(Changed { report, reason: None }),
                None if status.is_verified() => Err(refusal("a verified report changes only by amendment")),
                None => Err(refusal("the report cannot come into this state by an update")),
            }
        }
        Change::Finalize(verifier) => {
            let next = status
                .after(Action::Finalize, None)
                .ok_or_else(|| refusal("only an unfinished report can be verified"))?;
            let mut report = current.report.clone();
            report.status = next;
            report.verifier = verifier.clone().or(report.verifier).or_else(|| as_verifier(actor));
            checked(&report, None)
        }
        Change::Amend { content: json, reason } => {
            let report = content(json, current)?;
            let action = match report.status {
                ReportStatus::Amended => Action::Amend,
                ReportStatus::Corrected => Action::Correct,
                ReportStatus::Appended => Action::Append,
                _ => return Err(refusal("an amendment has the status amended, corrected or appended")),
            };
            if status.after(action, None).is_none() {
                return Err(refusal("only a verified report can be amended"));
            }
            if action == Action::Append {
                check_appended(&current.report, &report)?;
            }
            Ok(Changed { report, reason: reason.clone() })
        }
        Change::Cancel(reason) => {
            with_status(current, Action::Cancel, reason.as_ref(), "only an unfinished report can be cancelled")
        }
        Change::EnterInError(reason) => with_status(
            current,
            Action::EnterInError,
            reason.as_ref(),
            "this report cannot be withdrawn; a draft can be deleted",
        ),
    }
}

/// The new content in a body: the report's own id, whatever the body leaves out of it.
fn content(json: &Json, current: &ReportVersion) -> Result<Report, Error> {
    let id = &current.report.id;
    let report = read::read(json, id, &ReportLimits::default()).map_err(Error::Invalid)?;
    if report.id == *id {
        Ok(report)
    } else {
        Err(Error::Invalid(Problems::one("id", ProblemCode::Invariant, "is not the id of this report")))
    }
}

fn with_status(
    current: &ReportVersion,
    action: Action,
    reason: Option<&String>,
    otherwise: &'static str,
) -> Result<Changed, Error> {
    let status = current.report.status.after(action, None).ok_or_else(|| refusal(otherwise))?;
    let report = Report { status, ..current.report.clone() };
    Ok(Changed { report, reason: reason.cloned() })
}

/// A report that we have changed ourselves passes the same checks as one that comes in.
fn checked(report: &Report, reason: Option<String>) -> Result<Changed, Error> {
    let report = read::check(report, &ReportLimits::default()).map_err(Error::Rule)?;
    Ok(Changed { report, reason })
}

/// The actor as the one who verifies, if they are a person with a name.
fn as_verifier(actor: &Actor) -> Option<Verifier> {
    let Principal::User { id, name } = &actor.principal else { return None };
    let name = PersonName::from_pn(name.as_deref()?)?;
    Some(Verifier { id: id.as_str().to_owned(), name, organization: None })
}

/// An addendum leaves everything as it was and only adds text at the end of sections.
fn check_appended(former: &Report, new: &Report) -> Result<(), Error> {
    let mut problems = Problems::new();
    let mut rest = new.clone();
    rest.status = former.status;
    rest.verifier.clone_from(&former.verifier);
    rest.sections = former.sections.clone();
    for path in differences(former, &rest) {
        problems.add(path, ProblemCode::BusinessRule, "an addendum leaves it as it was");
    }
    for kind in SectionKind::ALL {
        let (before, after) = (former.sections.get(kind), new.sections.get(kind));
        let kept = before.is_none_or(|before| after.is_some_and(|after| after.starts_with(before)));
        if !kept {
            let path = format!("sections.{}", kind.json_name());
            problems.add(path, ProblemCode::BusinessRule, "an addendum goes behind the text that was there");
        }
    }
    problems.into_result(()).map_err(Error::Rule)
}

fn refusal(detail: &'static str) -> Error {
    Error::Rule(Problems::one("status", ProblemCode::BusinessRule, detail))
}

fn stale(current: VersionId) -> Error {
    Error::VersionMismatch { current: Some(current) }
}
