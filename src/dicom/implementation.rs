//! How this product names itself to DICOM peers and in the files that it writes (PS3.7 §D.3.3.2).

/// Implementation Class UID: the UID derived from `implementation-class`.
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.116973999446017573665220958433667147276";

/// Implementation Version Name, at most 16 characters.
pub const IMPLEMENTATION_VERSION_NAME: &str = concat!("CAUSEWAY_", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Uid;

    #[test]
    fn the_names_fit_their_elements() {
        assert_eq!(Uid::derived(&["implementation-class"]).as_str(), IMPLEMENTATION_CLASS_UID);
        assert!(IMPLEMENTATION_VERSION_NAME.len() <= 16);
    }
}
