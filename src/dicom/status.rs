//! What a storage peer answered for an instance: DIMSE status codes (PS3.4 §B.2.3, PS3.7 §C), the
//! failure and warning reasons of STOW-RS (PS3.18 §10.5.3), and the one state that both give.

use crate::base::{Retry, Uid};

/// The status of a C-STORE response, or the reason of a STOW-RS response item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct StoreStatus(pub u16);

/// What became of an instance that was offered for storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreClass {
    /// The peer keeps it.
    Success,
    /// The peer keeps it, and says what it disliked or changed (Bxxx).
    Warning,
    /// The peer does not keep it now, but may later: out of resources, processing failure.
    Refused,
    /// The peer does not keep it and will not.
    Failed,
    /// No presentation context, media type or conversion under which the peer would take it.
    NotAccepted,
    /// It is not known: the connection broke before the answer, or the answer does not name it.
    Unanswered,
}

/// What a peer answered for one instance, exactly as it answered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StoreOutcome {
    /// SOP class (0008,0016).
    pub sop_class_uid: Uid,
    /// SOP instance (0008,0018).
    pub sop_instance_uid: Uid,
    /// The status or reason that the peer gave, if it gave one.
    pub status: Option<StoreStatus>,
    /// What it amounts to.
    pub class: StoreClass,
    /// The peer's Error Comment (0000,0902), or our own words where the peer gave none. At most 64
    /// characters. A peer may write patient data here: it belongs beside the report, not in a log.
    pub comment: Option<String>,
}

impl StoreStatus {
    /// PS3.7 §C.1.1.
    pub const SUCCESS: Self = Self(0x0000);
    /// PS3.7 §C.5.9; a Storage SCP may also use it for lack of resources (PS3.4 §B.2.3).
    pub const PROCESSING_FAILURE: Self = Self(0x0110);
    /// PS3.7 §C.5.14. The peer holds an instance with this UID; whether it is this one it does not say.
    pub const DUPLICATE_SOP_INSTANCE: Self = Self(0x0111);

    /// PS3.7 §C.5.22: this SOP class is not stored here.
    pub const SOP_CLASS_NOT_SUPPORTED: Self = Self(0x0122);
    /// PS3.4 §B.2.3: out of resources; the sender may try again.
    pub const OUT_OF_RESOURCES: Self = Self(0xA700);
    /// PS3.4 §B.2.3: the data set does not match its SOP class, or what announced it.
    pub const MISMATCH: Self = Self(0xA900);
    /// The study is not the one that it was sent for.
    pub const OTHER_STUDY: Self = Self(0xA901);
    /// PS3.4 §B.2.3: cannot understand.
    pub const CANNOT_UNDERSTAND: Self = Self(0xC000);
    /// Cannot understand: an illegal UID.
    pub const ILLEGAL_UID: Self = Self(0xC001);
    /// Cannot understand: the transfer syntax is not supported. PS3.18 Table 10.5.3-3.
    pub const TRANSFER_SYNTAX_NOT_SUPPORTED: Self = Self(0xC122);
    /// Stored although the data set does not match its SOP class.
    pub const STORED_WITH_WARNING: Self = Self(0xB007);

    /// What the status amounts to.
    pub fn class(self) -> StoreClass {
        match self.0 {
            0x0000 => StoreClass::Success,
            0x0001 | 0x0107 | 0x0116 | 0xB000..=0xBFFF => StoreClass::Warning,
            0x0110 | 0x0210 | 0x0213 | 0xA700..=0xA7FF => StoreClass::Refused,
            _ => StoreClass::Failed,
        }
    }

    /// The name of the status in the standards, lower case.
    pub fn meaning(self) -> &'static str {
        match self.0 {
            0x0000 => "success",
            0x0001 => "optional attributes are not supported",
            0x0105 => "no such attribute",
            0x0106 => "invalid attribute value",
            0x0107 => "attribute list warning",
            0x0110 => "processing failure",
            0x0111 => "duplicate SOP instance",
            0x0112 => "no such SOP instance",
            0x0115 => "invalid argument value",
            0x0116 => "attribute value out of range",
            0x0117 => "invalid SOP instance",
            0x0118 => "no such SOP class",
            0x0119 => "class and instance conflict",
            0x0120 => "missing attribute",
            0x0121 => "missing attribute value",
            0x0122 => "SOP class not supported",
            0x0124 => "not authorized",
            0x0210 => "duplicate invocation",
            0x0211 => "unrecognized operation",
            0x0212 => "mistyped argument",
            0x0213 => "resource limitation",
            0xA700..=0xA7FF => "out of resources",
            0xA900..=0xA9FF => "data set does not match SOP class",
            0xB000 => "stored with coerced elements",
            0xB006 => "stored with discarded elements",
            0xB007 => "stored although the data set does not match the SOP class",
            0xB001..=0xBFFF => "stored with a warning",
            0xC001 => "illegal UID",
            0xC122 => "transfer syntax not supported",
            0xC000..=0xCFFF => "cannot understand",
            0xFE00 => "cancelled",
            0xFF00 | 0xFF01 => "pending, which ends no storage",
            _ => "a status that no standard names",
        }
    }
}

impl std::fmt::Display for StoreStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04X}H", self.0)
    }
}

impl StoreClass {
    /// The name in bodies and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::NotAccepted => "not-accepted",
            Self::Unanswered => "unanswered",
        }
    }

    /// Whether the peer holds the instance now.
    pub fn is_kept(self) -> bool {
        matches!(self, Self::Success | Self::Warning)
    }

    /// Whether to offer the instance again; `None` when the peer keeps it.
    pub fn retry(self) -> Option<Retry> {
        match self {
            Self::Success | Self::Warning => None,
            Self::Refused | Self::Unanswered => Some(Retry::Backoff),
            Self::Failed | Self::NotAccepted => Some(Retry::Never),
        }
    }
}

impl StoreOutcome {
    /// Greatest number of characters of a comment; the length of a LO (PS3.5 §6.2).
    pub const COMMENT_CHARS: usize = 64;

    /// The outcome of an answered request.
    pub fn answered(sop_class_uid: &Uid, sop_instance_uid: &Uid, status: StoreStatus, comment: Option<&str>) -> Self {
        Self {
            sop_class_uid: sop_class_uid.clone(),
            sop_instance_uid: sop_instance_uid.clone(),
            status: Some(status),
            class: status.class(),
            comment: comment.map(bounded).filter(|comment| !comment.is_empty()),
        }
    }

    /// The outcome of an instance that got no status, and why.
    pub fn without_status(sop_class_uid: &Uid, sop_instance_uid: &Uid, class: StoreClass, comment: &str) -> Self {
        Self {
            sop_class_uid: sop_class_uid.clone(),
            sop_instance_uid: sop_instance_uid.clone(),
            status: None,
            class,
            comment: Some(bounded(comment)),
        }
    }
}

/// `text` without control characters, cut to the length of a LO.
fn bounded(text: &str) -> String {
    text.trim().chars().filter(|character| !character.is_control()).take(StoreOutcome::COMMENT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_success_and_warnings_count_as_kept() {
        for kept in [0x0000, 0x0001, 0x0107, 0x0116, 0xB000, 0xB006, 0xB007, 0xBFFF] {
            assert!(StoreStatus(kept).class().is_kept(), "{kept:04X}");
        }
        for status in 0..=u16::MAX {
            let class = StoreStatus(status).class();
            assert_eq!(class.is_kept(), class.retry().is_none(), "{status:04X}");
        }
    }

    #[test]
    fn lack_of_resources_is_tried_again_and_a_bad_data_set_is_not() {
        for again in [0xA700, 0xA701, 0xA7FF, 0x0110, 0x0213] {
            assert_eq!(StoreStatus(again).class().retry(), Some(Retry::Backoff), "{again:04X}");
        }
        for never in [0xA900, 0xA901, 0xC000, 0xCFFF, 0x0111, 0x0112, 0x0117, 0x0122, 0x0124, 0xFE00, 0xFF00, 0x0002] {
            assert_eq!(StoreStatus(never).class().retry(), Some(Retry::Never), "{never:04X}");
        }
    }

    #[test]
    fn a_comment_is_cut_and_holds_no_control_characters() {
        let uid = Uid::parse("1.2").expect("valid");
        let long = format!("a\r\nb{}", "x".repeat(100));
        let outcome = StoreOutcome::answered(&uid, &uid, StoreStatus(0xC000), Some(&long));
        assert_eq!(outcome.comment.as_ref().map(|comment| comment.chars().count()), Some(64));
        assert!(outcome.comment.is_some_and(|comment| comment.starts_with("abx")));
    }
}
