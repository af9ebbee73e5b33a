//! Patches of a resource. R4 http.html#patch. A patch document and a resource come in, the patched
//! resource goes out, or the reason why not; the resource that came in is never half changed. What comes
//! out is a document that still has to pass [`crate::fhir::structure`]: a patch may leave an array empty.

pub mod fhirpath_patch;
pub mod json_patch;
mod pointer;

use super::Json;

/// How much a patch may ask for.
#[derive(Debug, Clone, Copy)]
pub struct PatchLimits {
    /// Greatest number of operations.
    pub operations: usize,
    /// Greatest number of JSON values that all operations together put into the document. Without it a
    /// list that is copied into itself grows to 2^n.
    pub values: usize,
    /// Greatest depth of the document that results.
    pub depth: usize,
    /// Greatest number of elements that the paths of a FHIRPath Patch look at. Without it a thousand
    /// operations that each search a long list would.
    pub visits: usize,
}

impl Default for PatchLimits {
    fn default() -> Self {
        Self { operations: 1_000, values: 1_000_000, depth: 64, visits: 2_000_000 }
    }
}

/// Why a patch is not applied, and by which operation. Holds nothing of the patch or of the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatchError {
    /// Which operation, from 0; `None` for the patch as a whole.
    pub operation: Option<usize>,
    /// What is wrong.
    pub fault: PatchFault,
}

/// What is wrong with an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatchFault {
    /// The patch document does not have the shape of one.
    #[error("the patch is not {0}")]
    Shape(&'static str),
    /// A member or part of an operation is absent.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A member or part of an operation has another type, or a value that it cannot have.
    #[error("`{0}` is not valid")]
    Invalid(&'static str),
    /// A member or part stands where the operation has no use for it.
    #[error("`{0}` has no meaning here")]
    Unused(&'static str),
    /// There is no such operation.
    #[error("no such operation")]
    UnknownOperation,
    /// A value is moved into itself. RFC 6902 §4.4.
    #[error("a value cannot be moved into itself")]
    MovedIntoItself,
    /// The patch is larger than the limit of this kind.
    #[error("the patch exceeds the limit of {0}")]
    TooLarge(&'static str),
    /// What the path names does not exist.
    #[error("the path leads to nothing")]
    NotThere,
    /// The path names more than one element.
    #[error("the path leads to more than one element")]
    Ambiguous,
    /// An index is behind the end of the list.
    #[error("the index is beyond the list")]
    Index,
    /// What the path names cannot hold or be what the operation asks.
    #[error("the element at the path does not allow it")]
    WrongKind,
    /// There is a value already, and no room for a second one.
    #[error("the element exists already")]
    Exists,
    /// The type has no element of this name.
    #[error("the type has no such element")]
    NoSuchElement,
    /// The value is not of a type that the element has.
    #[error("the element does not take a value of this type")]
    ValueType,
    /// A `test` did not hold.
    #[error("the test failed")]
    TestFailed,
    /// The identity of the resource would change.
    #[error("`{0}` must not change")]
    Identity(&'static str),
}

/// What a fault means to the client. Spec section 12 of the REST rules: 400, 413, 422.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchFaultClass {
    /// The patch itself is wrong, whatever it is applied to: 400 `invalid`.
    Malformed,
    /// The patch asks for more than is allowed: 413 `too-long`.
    TooLarge,
    /// The patch does not fit this resource: 422 `invalid`.
    Unprocessable,
}

impl PatchFault {
    /// What kind of fault it is.
    pub fn class(self) -> PatchFaultClass {
        match self {
            Self::Shape(_)
            | Self::Missing(_)
            | Self::Invalid(_)
            | Self::Unused(_)
            | Self::UnknownOperation
            | Self::MovedIntoItself => PatchFaultClass::Malformed,
            Self::TooLarge(_) => PatchFaultClass::TooLarge,
            Self::NotThere
            | Self::Ambiguous
            | Self::Index
            | Self::WrongKind
            | Self::Exists
            | Self::NoSuchElement
            | Self::ValueType
            | Self::TestFailed
            | Self::Identity(_) => PatchFaultClass::Unprocessable,
        }
    }
}

impl PatchError {
    /// What kind of error it is.
    pub fn class(&self) -> PatchFaultClass {
        self.fault.class()
    }

    fn of_patch(fault: PatchFault) -> Self {
        Self { operation: None, fault }
    }

    fn of_operation(operation: usize) -> impl Fn(PatchFault) -> Self {
        move |fault| Self { operation: Some(operation), fault }
    }
}

impl std::error::Error for PatchError {}

impl std::fmt::Display for PatchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.operation {
            Some(operation) => write!(f, "operation {operation}: {}", self.fault),
            None => self.fault.fmt(f),
        }
    }
}

/// The operations of a patch, each by `read`.
fn read_all<T>(
    items: &[Json],
    limits: &PatchLimits,
    read: impl Fn(&Json) -> Result<T, PatchFault>,
) -> Result<Vec<T>, PatchError> {
    if items.len() > limits.operations {
        return Err(PatchError::of_patch(PatchFault::TooLarge("operations")));
    }
    items.iter().enumerate().map(|(at, item)| read(item).map_err(PatchError::of_operation(at))).collect()
}

/// A copy of `document` with all operations applied in order, each by `apply`.
fn apply_all<T>(
    operations: &[T],
    document: &Json,
    limits: &PatchLimits,
    apply: impl Fn(&T, &mut Json, &mut Budget) -> Result<(), PatchFault>,
) -> Result<Json, PatchError> {
    let mut result = document.clone();
    let mut budget = Budget::new(limits);
    for (at, operation) in operations.iter().enumerate() {
        apply(operation, &mut result, &mut budget).map_err(PatchError::of_operation(at))?;
    }
    same_identity(document, &result)?;
    Ok(result)
}

/// Refuses a result that is another resource than the one that was patched. R4 http.html#patch.
fn same_identity(before: &Json, after: &Json) -> Result<(), PatchError> {
    if after.as_object().is_none() {
        return Err(PatchError::of_patch(PatchFault::WrongKind));
    }
    for name in ["resourceType", "id"] {
        if before.get(name) != after.get(name) {
            return Err(PatchError::of_patch(PatchFault::Identity(name)));
        }
    }
    Ok(())
}

/// What a patch may still put into the document.
struct Budget {
    values: usize,
    depth: usize,
    visits: usize,
}

impl Budget {
    fn new(limits: &PatchLimits) -> Self {
        Self { values: limits.values, depth: limits.depth, visits: limits.visits }
    }

    /// Takes what it costs to look at some elements.
    fn visit(&mut self, elements: usize) -> Result<(), PatchFault> {
        self.visits = self.visits.checked_sub(elements).ok_or(PatchFault::TooLarge("visits"))?;
        Ok(())
    }

    /// Takes what `value` costs when it is put `level` levels below the root.
    fn spend(&mut self, value: &Json, level: usize) -> Result<(), PatchFault> {
        self.values = self.values.checked_sub(1).ok_or(PatchFault::TooLarge("values"))?;
        let inside = match value {
            Json::Array(_) | Json::Object(_) if level >= self.depth => return Err(PatchFault::TooLarge("depth")),
            Json::Array(items) => return items.iter().try_for_each(|item| self.spend(item, level + 1)),
            Json::Object(object) => object,
            _ => return Ok(()),
        };
        inside.iter().try_for_each(|(_, item)| self.spend(item, level + 1))
    }
}
