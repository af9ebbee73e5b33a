//! What is said when storage is to be committed, and what became of it. PS3.4 §J.3.2, §J.3.3.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::base::{AeTitle, Uid};
use crate::dicom::element::{self, DataSet};

/// An instance that is spoken of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reference {
    /// SOP class (0008,1150).
    pub sop_class_uid: Uid,
    /// SOP instance (0008,1155).
    pub sop_instance_uid: Uid,
}

/// What is asked to be committed: the action information of the N-ACTION.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitmentRequest {
    /// Transaction UID (0008,1195).
    pub transaction_uid: Uid,
    /// Referenced SOP Sequence (0008,1199); not empty, each instance once.
    pub references: Vec<Reference>,
}

/// What became of it: the event information of the N-EVENT-REPORT. Each instance is in one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitmentResult {
    /// Transaction UID (0008,1195).
    pub transaction_uid: Uid,
    /// Those that are committed.
    pub committed: Vec<Reference>,
    /// Those that are not, with the failure reason (0008,1197).
    pub failed: Vec<(Reference, u16)>,
}

/// Why action information cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CommitmentError(pub &'static str);

impl CommitmentRequest {
    /// Reads action information.
    pub fn parse(information: &DataSet) -> Result<Self, CommitmentError> {
        let uid = |set: &DataSet, tag| element::text(set, tag).and_then(|text| Uid::parse_lenient(&text).ok());
        let transaction_uid =
            uid(information, tags::TRANSACTION_UID).ok_or(CommitmentError("Transaction UID is missing or no UID"))?;
        let mut references: Vec<Reference> = Vec::new();
        let mut known = std::collections::HashSet::new();
        for item in element::items(information, tags::REFERENCED_SOP_SEQUENCE) {
            let class = uid(item, tags::REFERENCED_SOP_CLASS_UID);
            let instance = uid(item, tags::REFERENCED_SOP_INSTANCE_UID);
            let (Some(sop_class_uid), Some(sop_instance_uid)) = (class, instance) else {
                return Err(CommitmentError("a reference lacks its SOP class or SOP instance"));
            };
            if !known.insert(sop_instance_uid.clone()) {
                return Err(CommitmentError("an instance is referenced twice"));
            }
            references.push(Reference { sop_class_uid, sop_instance_uid });
        }
        if references.is_empty() {
            return Err(CommitmentError("nothing is referenced"));
        }
        Ok(Self { transaction_uid, references })
    }

    /// As action information.
    pub fn data_set(&self) -> DataSet {
        let mut set = DataSet::new_empty();
        element::put_text(&mut set, tags::TRANSACTION_UID, VR::UI, self.transaction_uid.as_str());
        element::put_items(&mut set, tags::REFERENCED_SOP_SEQUENCE, self.references.iter().map(item).collect());
        set
    }
}

impl CommitmentResult {
    /// Event Type ID: 1 when all is committed, 2 when there are failures. PS3.4 §J.3.3.1.1.
    pub fn event(&self) -> u16 {
        if self.failed.is_empty() { 1 } else { 2 }
    }

    /// As event information. `retrieve_ae_title` is where the instances can be retrieved from.
    pub fn data_set(&self, retrieve_ae_title: &AeTitle) -> DataSet {
        let mut set = DataSet::new_empty();
        element::put_text(&mut set, tags::RETRIEVE_AE_TITLE, VR::AE, retrieve_ae_title.as_str());
        element::put_text(&mut set, tags::TRANSACTION_UID, VR::UI, self.transaction_uid.as_str());
        if !self.failed.is_empty() {
            let failed = self.failed.iter().map(|(reference, reason)| {
                let mut item = item(reference);
                element::put_value(&mut item, tags::FAILURE_REASON, VR::US, *reason);
                item
            });
            element::put_items(&mut set, tags::FAILED_SOP_SEQUENCE, failed.collect());
        }
        if !self.committed.is_empty() {
            element::put_items(&mut set, tags::REFERENCED_SOP_SEQUENCE, self.committed.iter().map(item).collect());
        }
        set
    }
}

fn item(reference: &Reference) -> DataSet {
    let mut item = DataSet::new_empty();
    element::put_text(&mut item, tags::REFERENCED_SOP_CLASS_UID, VR::UI, reference.sop_class_uid.as_str());
    element::put_text(&mut item, tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, reference.sop_instance_uid.as_str());
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(text: &str) -> Uid {
        Uid::parse(text).expect("valid")
    }

    fn reference(instance: &str) -> Reference {
        Reference { sop_class_uid: uid("1.2.840.10008.5.1.4.1.1.2"), sop_instance_uid: uid(instance) }
    }

    #[test]
    fn a_request_is_read_as_it_is_written() {
        let request =
            CommitmentRequest { transaction_uid: uid("1.9"), references: vec![reference("1.1"), reference("1.2")] };
        assert_eq!(CommitmentRequest::parse(&request.data_set()), Ok(request));
    }

    #[test]
    fn a_request_without_references_or_with_one_twice_is_refused() {
        let none = CommitmentRequest { transaction_uid: uid("1.9"), references: Vec::new() };
        assert!(CommitmentRequest::parse(&none.data_set()).is_err());
        let twice = CommitmentRequest { references: vec![reference("1.1"), reference("1.1")], ..none };
        assert!(CommitmentRequest::parse(&twice.data_set()).is_err());
        assert!(CommitmentRequest::parse(&DataSet::new_empty()).is_err());
    }

    #[test]
    fn the_event_says_whether_something_failed() {
        let all =
            CommitmentResult { transaction_uid: uid("1.9"), committed: vec![reference("1.1")], failed: Vec::new() };
        assert_eq!(all.event(), 1);
        let set = all.data_set(&AeTitle::causeway());
        assert!(set.get(tags::FAILED_SOP_SEQUENCE).is_none());
        let some = CommitmentResult { failed: vec![(reference("1.2"), 0x0112)], ..all };
        let set = some.data_set(&AeTitle::causeway());
        assert_eq!(some.event(), 2);
        assert_eq!(element::items(&set, tags::FAILED_SOP_SEQUENCE).len(), 1);
        assert_eq!(element::items(&set, tags::REFERENCED_SOP_SEQUENCE).len(), 1);
    }
}
