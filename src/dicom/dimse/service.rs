//! What an abstract syntax asks for. PS3.4 §A.3, §B.5, §C.6, §J.3; the storage classes are those of the
//! dictionary (PS3.6 table A-1).

use super::storage_class::is_storage_class;

/// A service that a presentation context is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Verification.
    Verification,
    /// Storage of instances of one SOP class.
    Storage,
    /// C-FIND.
    Find(QueryModel),
    /// C-MOVE.
    Move(QueryModel),
    /// C-GET.
    Get(QueryModel),
    /// Storage Commitment, push model.
    StorageCommitment,
}

/// An information model of Query/Retrieve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryModel {
    /// Patient Root.
    PatientRoot,
    /// Study Root.
    StudyRoot,
}

impl Service {
    /// The service of an abstract syntax; `None` for those that there is no provider for.
    pub fn of(abstract_syntax: &str) -> Option<Self> {
        let known = PROVIDED.iter().find(|(uid, _, _)| *uid == abstract_syntax).map(|(_, _, service)| *service);
        known.or_else(|| is_storage_class(abstract_syntax).then_some(Self::Storage))
    }

    /// The name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Storage => "storage",
            Self::Find(_) => "find",
            Self::Move(_) => "move",
            Self::Get(_) => "get",
            Self::StorageCommitment => "storage-commitment",
        }
    }
}

impl QueryModel {
    /// The SOP class of C-FIND in this model.
    pub fn find(self) -> &'static str {
        match self {
            Self::PatientRoot => "1.2.840.10008.5.1.4.1.2.1.1",
            Self::StudyRoot => "1.2.840.10008.5.1.4.1.2.2.1",
        }
    }

    /// The SOP class of C-MOVE in this model.
    pub fn move_(self) -> &'static str {
        match self {
            Self::PatientRoot => "1.2.840.10008.5.1.4.1.2.1.2",
            Self::StudyRoot => "1.2.840.10008.5.1.4.1.2.2.2",
        }
    }

    /// The SOP class of C-GET in this model.
    pub fn get(self) -> &'static str {
        match self {
            Self::PatientRoot => "1.2.840.10008.5.1.4.1.2.1.3",
            Self::StudyRoot => "1.2.840.10008.5.1.4.1.2.2.3",
        }
    }
}

/// The SOP classes that there is a provider for beside those of storage: UID, name, service. PS3.6 table A-1.
pub const PROVIDED: &[(&str, &str, Service)] = {
    use QueryModel::{PatientRoot, StudyRoot};
    &[
        (VERIFICATION, "Verification", Service::Verification),
        (
            "1.2.840.10008.5.1.4.1.2.1.1",
            "Patient Root Query/Retrieve Information Model - FIND",
            Service::Find(PatientRoot),
        ),
        (
            "1.2.840.10008.5.1.4.1.2.1.2",
            "Patient Root Query/Retrieve Information Model - MOVE",
            Service::Move(PatientRoot),
        ),
        (
            "1.2.840.10008.5.1.4.1.2.1.3",
            "Patient Root Query/Retrieve Information Model - GET",
            Service::Get(PatientRoot),
        ),
        ("1.2.840.10008.5.1.4.1.2.2.1", "Study Root Query/Retrieve Information Model - FIND", Service::Find(StudyRoot)),
        ("1.2.840.10008.5.1.4.1.2.2.2", "Study Root Query/Retrieve Information Model - MOVE", Service::Move(StudyRoot)),
        ("1.2.840.10008.5.1.4.1.2.2.3", "Study Root Query/Retrieve Information Model - GET", Service::Get(StudyRoot)),
        (STORAGE_COMMITMENT, "Storage Commitment Push Model", Service::StorageCommitment),
    ]
};

/// Verification SOP Class.
pub const VERIFICATION: &str = "1.2.840.10008.1.1";
/// Storage Commitment Push Model SOP Class.
pub const STORAGE_COMMITMENT: &str = "1.2.840.10008.1.20.1";
/// The well-known instance of [`STORAGE_COMMITMENT`].
pub const STORAGE_COMMITMENT_INSTANCE: &str = "1.2.840.10008.1.20.1.1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_what_the_dictionary_says_and_no_more() {
        for storage in [
            "1.2.840.10008.5.1.4.1.1.2",
            "1.2.840.10008.5.1.4.1.1.1.1",
            "1.2.840.10008.5.1.4.1.1.1.2.1",
            "1.2.840.10008.5.1.4.1.1.3",
            "1.2.840.10008.5.1.4.1.1.77.1",
            "1.2.840.10008.5.1.4.1.1.88.33",
            "1.2.840.10008.5.1.4.1.1.104.1",
            "1.2.840.10008.5.1.4.1.1.66.4",
        ] {
            assert_eq!(Service::of(storage), Some(Service::Storage), "{storage}");
        }
        for other in [
            "1.2.840.10008.1.3.10",
            "1.2.840.10008.1.20.2",
            "1.2.840.10008.5.1.4.1.1.201.2",
            "1.2.840.10008.5.1.4.1.1.201.1.1",
            "1.2.840.10008.5.1.4.31",
            "1.2.826.0.1.3680043.1",
            "",
        ] {
            assert_eq!(Service::of(other), None, "{other}");
        }
    }

    #[test]
    fn the_models_name_the_classes_that_are_served() {
        for model in [QueryModel::PatientRoot, QueryModel::StudyRoot] {
            assert_eq!(Service::of(model.find()), Some(Service::Find(model)));
            assert_eq!(Service::of(model.move_()), Some(Service::Move(model)));
            assert_eq!(Service::of(model.get()), Some(Service::Get(model)));
        }
    }
}
