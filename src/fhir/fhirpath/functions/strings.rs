//! Functions of texts. FHIRPath 2.0.0 §String Manipulation. Positions count characters.

use std::borrow::Cow;

use regex_lite::{Regex, RegexBuilder};

use crate::fhir::fhirpath::EvaluateError;
use crate::fhir::fhirpath::ast::{Call, Function};
use crate::fhir::fhirpath::evaluate::{Evaluator, Focus, Items, boolean, integer, single};
use crate::fhir::fhirpath::item::Item;

use super::encode;

/// Greatest size of a compiled pattern in bytes. Matching takes time in proportion to it.
const PATTERN_BYTES: usize = 256 * 1024;
/// Looking at a byte of text with a pattern costs as much as this many bytes without one.
const PATTERN_COST: usize = 64;

/// A regular expression in single line mode, found anywhere or in the whole text.
pub(in crate::fhir::fhirpath) fn pattern(text: &str, is_full: bool) -> Result<Regex, regex_lite::Error> {
    let whole = if is_full { format!("^(?:{text})$") } else { text.to_owned() };
    RegexBuilder::new(&whole).dot_matches_new_line(true).size_limit(PATTERN_BYTES).build()
}

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn strings(
        &mut self,
        call: &'a Call,
        input: &[Item<'a>],
        focus: Focus<'_, 'a>,
    ) -> Result<Items<'a>, EvaluateError> {
        use Function as F;
        let arguments = call.arguments.as_slice();
        if call.function == F::Join {
            return self.join(input, call, focus);
        }
        let value = match single(input)? {
            None => return Ok(Vec::new()),
            Some(item) => item.value(),
        };
        let text = match &*value {
            Item::String(text) => &**text,
            Item::Node(node) if node.is_primitive() => return Ok(Vec::new()),
            _ => return Err(EvaluateError::Type(call.function.name())),
        };
        self.budget.text(text.len())?;
        match call.function {
            F::Length => return Ok(integer(text.chars().count())),
            F::Upper => return self.new_text(text.to_uppercase()),
            F::Lower => return self.new_text(text.to_lowercase()),
            F::Trim => return self.new_text(text.trim().to_owned()),
            F::ToChars => {
                self.budget.steps(text.len())?;
                return Ok(text.chars().map(|letter| Item::String(letter.to_string().into())).collect());
            }
            F::Substring => {
                let Some(start) = self.integer_argument(arguments, 0, focus)? else { return Ok(Vec::new()) };
                let length = self.integer_argument(arguments, 1, focus)?.unwrap_or(i64::MAX);
                let count = text.chars().count();
                let Some(start) = usize::try_from(start).ok().filter(|start| *start < count) else {
                    return Ok(Vec::new());
                };
                let length = usize::try_from(length.max(0)).unwrap_or(usize::MAX);
                return self.new_text(text.chars().skip(start).take(length).collect());
            }
            _ => {}
        }
        let Some(argument) = self.text_argument(arguments, 0, focus)? else { return Ok(Vec::new()) };
        let maybe_text = |text: Option<String>| text.ok_or(EvaluateError::Type(call.function.name()));
        Ok(match call.function {
            F::StartsWith => boolean(text.starts_with(&argument)),
            F::EndsWith => boolean(text.ends_with(&argument)),
            F::Contains => boolean(text.contains(&argument)),
            F::IndexOf => match text.find(&argument) {
                Some(at) => integer(text.get(..at).unwrap_or_default().chars().count()),
                None => vec![Item::Integer(-1)],
            },
            F::Split => {
                self.budget.new_text(text.len())?;
                let parts: Vec<Item<'a>> = if argument.is_empty() {
                    text.chars().map(|letter| Item::String(letter.to_string().into())).collect()
                } else {
                    text.split(&*argument).map(|part| Item::String(part.to_owned().into())).collect()
                };
                self.budget.steps(parts.len())?;
                parts
            }
            F::Encode => self.new_text(maybe_text(encode::encode(text, &argument))?)?,
            F::Escape => self.new_text(maybe_text(encode::escape(text, &argument))?)?,
            F::Decode => self.maybe_text(encode::decode(text, &argument))?,
            F::Unescape => self.maybe_text(encode::unescape(text, &argument))?,
            F::Matches | F::MatchesFull => {
                let regex = self.regex(call, &argument, text)?;
                boolean(regex.is_match(text))
            }
            F::Replace => {
                let Some(by) = self.text_argument(arguments, 1, focus)? else { return Ok(Vec::new()) };
                let count =
                    if argument.is_empty() { text.chars().count() + 1 } else { text.matches(&*argument).count() };
                self.budget.new_text(text.len().saturating_add(count.saturating_mul(by.len())))?;
                self.new_text(text.replace(&*argument, &by))?
            }
            F::ReplaceMatches => {
                let Some(by) = self.text_argument(arguments, 1, focus)? else { return Ok(Vec::new()) };
                if argument.is_empty() {
                    return self.new_text(text.to_owned());
                }
                let regex = self.regex(call, &argument, text)?;
                self.replaced(&regex, text, &by)?
            }
            _ => return Err(EvaluateError::Type(call.function.name())),
        })
    }

    /// The pattern of a call: compiled before if it is a literal.
    fn regex(&mut self, call: &'a Call, text: &str, on: &str) -> Result<Cow<'a, Regex>, EvaluateError> {
        self.budget.text(on.len().saturating_mul(PATTERN_COST))?;
        if let Some(regex) = &call.pattern {
            return Ok(Cow::Borrowed(regex));
        }
        self.budget.steps(100 + text.len())?;
        pattern(text, call.function == Function::MatchesFull).map(Cow::Owned).or(Err(EvaluateError::Pattern))
    }

    /// `$1` and `${name}` in what is put in stand for groups, as FHIRPath wants it.
    fn replaced(&mut self, regex: &Regex, text: &str, by: &str) -> Result<Items<'a>, EvaluateError> {
        let mut out = String::new();
        let mut last = 0;
        for groups in regex.captures_iter(text) {
            let Some(whole) = groups.get(0) else { continue };
            out.push_str(text.get(last..whole.start()).unwrap_or_default());
            groups.expand(by, &mut out);
            last = whole.end();
            self.budget.new_text(out.len())?;
        }
        out.push_str(text.get(last..).unwrap_or_default());
        self.new_text(out)
    }

    fn join(&mut self, input: &[Item<'a>], call: &'a Call, focus: Focus<'_, 'a>) -> Result<Items<'a>, EvaluateError> {
        let separator = self.text_argument(&call.arguments, 0, focus)?.unwrap_or_default();
        let mut out = String::new();
        for (at, item) in input.iter().enumerate() {
            let value = item.value();
            let Item::String(text) = &*value else { return Err(EvaluateError::Type("join")) };
            if at > 0 {
                out.push_str(&separator);
            }
            out.push_str(text);
            self.budget.new_text(out.len())?;
        }
        if input.is_empty() { Ok(Vec::new()) } else { Ok(vec![Item::String(out.into())]) }
    }

    fn new_text(&mut self, text: String) -> Result<Items<'a>, EvaluateError> {
        self.budget.new_text(text.len())?;
        Ok(vec![Item::String(text.into())])
    }

    fn maybe_text(&mut self, text: Option<String>) -> Result<Items<'a>, EvaluateError> {
        text.map_or(Ok(Vec::new()), |text| self.new_text(text))
    }
}
