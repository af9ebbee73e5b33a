//! Where in a document a value stands. A path is a chain of borrowed steps: nothing is allocated until a
//! problem wants it written.

use std::fmt;

/// A place in the document, written as `measurements[3].unit`.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Member(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// The document itself; written as nothing.
    pub(super) const ROOT: Path<'static> = Path { parent: None, step: Step::Root };

    /// The member `name` of the object here.
    pub(super) fn member(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Member(name) }
    }

    /// The item `index` of the array here.
    pub(super) fn index(&'a self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Member(name) if self.parent.is_some_and(|parent| matches!(parent.step, Step::Root)) => {
                f.write_str(name)
            }
            Step::Member(name) => write!(f, ".{name}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_like_fhirpath() {
        let measurements = Path::ROOT.member("measurements");
        let third = measurements.index(3);
        assert_eq!(third.member("unit").to_string(), "measurements[3].unit");
        assert_eq!(Path::ROOT.to_string(), "");
    }
}
