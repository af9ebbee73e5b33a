//! Which SOP classes are stored. PS3.4 Annexes B, GG, U, X, HH, II, JJ; PS3.6 Table A-1.

/// Whether instances of a SOP class are composite objects that an archive keeps: every storage class of the
/// standard, retired ones too, and whatever a manufacturer has defined. Media directories, and classes of
/// services, are not.
pub fn is_storable(sop_class_uid: &str) -> bool {
    let Some(of_standard) = sop_class_uid.strip_prefix("1.2.840.10008.") else { return true };
    let Some(service) = of_standard.strip_prefix("5.1.4.") else { return false };
    service.starts_with("1.1.") || OTHERS.contains(&service)
}

/// Storage classes outside 1.2.840.10008.5.1.4.1.1: RT Beams Delivery Instruction (two of them), hanging protocol,
/// colour palette, generic implant template, assembly and group.
const OTHERS: [&str; 8] = ["34.1", "34.7", "34.10", "38.1", "39.1", "43.1", "44.1", "45.1"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_and_documents_are_stored_and_services_are_not() {
        for stored in [
            "1.2.840.10008.5.1.4.1.1.2",
            "1.2.840.10008.5.1.4.1.1.88.11",
            "1.2.840.10008.5.1.4.1.1.104.1",
            "1.2.840.10008.5.1.4.1.1.201.1",
            "1.2.840.10008.5.1.4.38.1",
            "1.3.12.2.1107.5.9.1",
        ] {
            assert!(is_storable(stored), "{stored}");
        }
        for refused in [
            "1.2.840.10008.1.3.10",
            "1.2.840.10008.1.1",
            "1.2.840.10008.5.1.4.1.2.2.1",
            "1.2.840.10008.5.1.4.31",
            "1.2.840.10008.1.20.1",
        ] {
            assert!(!is_storable(refused), "{refused}");
        }
    }
}
