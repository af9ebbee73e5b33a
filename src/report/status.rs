//! The life of a report: one table says what may follow what.

/// Where a report is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReportStatus {
    /// Being written; may be deleted.
    Draft,
    /// Readable, not yet verified.
    Preliminary,
    /// Verified.
    Final,
    /// Verified again, with information added after the final version.
    Amended,
    /// Verified again, with an error put right after the final version.
    Corrected,
    /// Verified again, with an addendum and otherwise unchanged.
    Appended,
    /// Given up before it was final.
    Cancelled,
    /// Should never have been; withdrawn.
    EnteredInError,
}

/// What someone does to a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Write the content of a draft or preliminary report anew.
    Update,
    /// Verify it.
    Finalize,
    /// Add information to a verified report.
    Amend,
    /// Put an error in a verified report right.
    Correct,
    /// Add an addendum to a verified report.
    Append,
    /// Give it up.
    Cancel,
    /// Withdraw it.
    EnterInError,
    /// Take a draft away.
    Delete,
}

impl ReportStatus {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Draft,
        Self::Preliminary,
        Self::Final,
        Self::Amended,
        Self::Corrected,
        Self::Appended,
        Self::Cancelled,
        Self::EnteredInError,
    ];

    /// The text in the report's JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Preliminary => "preliminary",
            Self::Final => "final",
            Self::Amended => "amended",
            Self::Corrected => "corrected",
            Self::Appended => "appended",
            Self::Cancelled => "cancelled",
            Self::EnteredInError => "entered-in-error",
        }
    }

    /// The state of a text in the report's JSON.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether someone has verified this version.
    pub fn is_verified(self) -> bool {
        matches!(self, Self::Final | Self::Amended | Self::Corrected | Self::Appended)
    }

    /// Whether the report may still change without a new verified version.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Draft | Self::Preliminary)
    }

    /// Whether a new report may begin in this state: a source may send one that is already verified.
    pub fn may_begin(self) -> bool {
        matches!(self, Self::Draft | Self::Preliminary | Self::Final)
    }

    /// The state after `action`, or `None` where the table has no such step. `wanted` is the state in
    /// the body of an update.
    pub fn after(self, action: Action, wanted: Option<Self>) -> Option<Self> {
        use ReportStatus::{Amended, Appended, Cancelled, Corrected, Draft, EnteredInError, Final, Preliminary};
        match (self, action) {
            (Draft, Action::Update) => wanted.filter(|wanted| matches!(wanted, Draft | Preliminary)),
            (Preliminary, Action::Update) => wanted.filter(|wanted| *wanted == Preliminary),
            (Draft | Preliminary, Action::Finalize) => Some(Final),
            (Final | Amended | Corrected | Appended, Action::Amend) => Some(Amended),
            (Final | Amended | Corrected | Appended, Action::Correct) => Some(Corrected),
            (Final | Amended | Corrected | Appended, Action::Append) => Some(Appended),
            (Draft | Preliminary, Action::Cancel) => Some(Cancelled),
            (Preliminary | Final | Amended | Corrected | Appended | Cancelled, Action::EnterInError) => {
                Some(EnteredInError)
            }
            (Draft, Action::Delete) => Some(Draft),
            _ => None,
        }
    }
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 8] = [
        Self::Update,
        Self::Finalize,
        Self::Amend,
        Self::Correct,
        Self::Append,
        Self::Cancel,
        Self::EnterInError,
        Self::Delete,
    ];

    /// The word for it in messages and paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Finalize => "finalize",
            Self::Amend => "amend",
            Self::Correct => "correct",
            Self::Append => "append",
            Self::Cancel => "cancel",
            Self::EnterInError => "enter-in-error",
            Self::Delete => "delete",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table, written out: a letter for the state after each action, `-` where there is none.
    #[test]
    fn what_may_follow_what() {
        let table = [
            //                     update finalize amend correct append cancel in-error delete
            (ReportStatus::Draft, "DF---C-D"),
            (ReportStatus::Preliminary, "PF---CE-"),
            (ReportStatus::Final, "--MOA-E-"),
            (ReportStatus::Amended, "--MOA-E-"),
            (ReportStatus::Corrected, "--MOA-E-"),
            (ReportStatus::Appended, "--MOA-E-"),
            (ReportStatus::Cancelled, "------E-"),
            (ReportStatus::EnteredInError, "--------"),
        ];
        for (status, row) in table {
            let actual: String = Action::ALL
                .into_iter()
                .map(|action| match status.after(action, Some(status)) {
                    None => '-',
                    Some(ReportStatus::Draft) => 'D',
                    Some(ReportStatus::Preliminary) => 'P',
                    Some(ReportStatus::Final) => 'F',
                    Some(ReportStatus::Amended) => 'M',
                    Some(ReportStatus::Corrected) => 'O',
                    Some(ReportStatus::Appended) => 'A',
                    Some(ReportStatus::Cancelled) => 'C',
                    Some(ReportStatus::EnteredInError) => 'E',
                })
                .collect();
            assert_eq!(actual, row, "{status:?}");
        }
        assert_eq!(
            ReportStatus::Draft.after(Action::Update, Some(ReportStatus::Preliminary)),
            Some(ReportStatus::Preliminary)
        );
        assert_eq!(ReportStatus::Preliminary.after(Action::Update, Some(ReportStatus::Draft)), None);
        assert_eq!(ReportStatus::Draft.after(Action::Update, Some(ReportStatus::Final)), None);
    }
}
