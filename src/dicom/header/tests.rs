//! Files of strangers: whole, broken, in pieces, cut and changed.

use std::path::{Path, PathBuf};

use dicom_dictionary_std::tags;
use proptest::prelude::*;

use super::super::json;
use super::*;

fn folder(name: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dicom").join(name);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(root).expect("is there").map(|entry| entry.expect("is readable").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "dcm"));
    files.sort();
    files
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dicom").join(name);
    std::fs::read(path).expect("is there")
}

/// Reads a file that comes in pieces of that length.
fn read(file: &[u8], piece: usize) -> Result<(FileMeta, Header), HeaderError> {
    let mut reader = MetaReader::default();
    let mut pieces = file.chunks(piece.max(1));
    let (meta, rest) = loop {
        let Some(bytes) = pieces.next() else { break (reader.finish()?, Vec::new()) };
        if let Some(found) = reader.write(bytes)? {
            break found;
        }
    };
    let uid = meta.transfer_syntax_uid.clone().ok_or(HeaderError::NoTransferSyntax)?;
    let limits = HeaderLimits { max_bytes: 64 << 20, max_kept_bytes: 4 << 20, ..HeaderLimits::default() };
    let mut scanner = Scanner::new(&uid, &limits)?;
    scanner.write(&rest)?;
    for bytes in pieces {
        scanner.write(bytes)?;
    }
    Ok((meta, scanner.finish()?))
}

fn header(name: &str) -> Header {
    read(&fixture(name), usize::MAX).unwrap_or_else(|error| panic!("{name}: {error}")).1
}

#[test]
fn every_valid_file_is_read_and_the_same_in_pieces() {
    for name in ["images", "charset", "rt", "sr", "studies"] {
        for path in folder(name) {
            let file = std::fs::read(&path).expect("is there");
            let (_, whole) = read(&file, usize::MAX).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            for piece in [1, 7, 1000, 4096] {
                let (_, other) = read(&file, piece).expect("is the same file");
                assert_eq!(other.elements, whole.elements, "{} in pieces of {piece}", path.display());
                assert_eq!((other.digest, other.length), (whole.digest, whole.length));
                assert_eq!(json::object(&other), json::object(&whole));
            }
            let value: serde_json::Value =
                serde_json::from_str(&json::object(&whole).replace(char::from(json::INSTANCE_URL), ""))
                    .expect("is JSON");
            let is_instance = !path.ends_with("DICOMDIR.dcm") && !path.ends_with("chrSQEncoding.dcm");
            assert_eq!(value.get("00080018").is_some(), is_instance, "{}", path.display());
            assert!(value.as_object().is_some_and(|set| set.keys().is_sorted()), "{}", path.display());
        }
    }
}

#[test]
fn broken_files_end_as_their_faults_demand() {
    let ended: Vec<String> = folder("broken")
        .iter()
        .map(|path| {
            let file = std::fs::read(path).expect("is there");
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let said = match read(&file, 512) {
                Err(error) => format!("{error}"),
                Ok((meta, header)) => match header.identity() {
                    Err(refusal) => format!("{} {}", refusal.status, refusal.comment),
                    Ok(identity) if meta.sop_instance_uid.as_deref() != Some(identity.sop_instance_uid.as_str()) => {
                        "another instance than announced".to_owned()
                    }
                    Ok(_) => {
                        let flaws = header.flaws.iter().map(|flaw| format!(" {}{}", flaw.tag, flaw.kind.as_str()));
                        format!("is read{}", flaws.collect::<String>())
                    }
                },
            };
            format!("{name}: {said}")
        })
        .collect();
    insta::assert_snapshot!(ended.join("\n"));
}

#[test]
fn a_cut_file_is_never_taken_for_a_whole_one() {
    for name in ["images", "sr", "rt", "charset"] {
        for path in folder(name) {
            let file = std::fs::read(&path).expect("is there");
            let whole = read(&file, usize::MAX).expect("is valid").1;
            for cut in (0..file.len()).step_by(1000) {
                // A cut between two elements cannot be seen; one within an element always is.
                if let Ok((_, header)) = read(&file[..cut], 4096) {
                    assert!(header.elements.len() < whole.elements.len(), "{} at {cut}", path.display());
                }
            }
        }
    }
}

#[test]
fn lengths_allocate_nothing() {
    let mut scanner = Scanner::new("1.2.840.10008.1.2.1", &HeaderLimits::default()).expect("is known");
    let bytes = [0x28, 0, 0x10, 0, b'O', b'W', 0, 0, 0xfe, 0xff, 0xff, 0xff, 1, 2, 3, 4];
    scanner.write(&bytes).expect("may go on");
    assert!(matches!(scanner.finish(), Err(HeaderError::Truncated)));
}

#[test]
fn what_is_nested_too_deeply_or_grows_without_end_is_refused() {
    let mut nest = Vec::new();
    for _ in 0..1000 {
        nest.extend_from_slice(&[0x40, 0, 0x30, 0xa7, b'S', b'Q', 0, 0, 0xff, 0xff, 0xff, 0xff]);
        nest.extend_from_slice(&[0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff]);
    }
    let mut scanner = Scanner::new("1.2.840.10008.1.2.1", &HeaderLimits::default()).expect("is known");
    assert_eq!(scanner.write(&nest), Err(HeaderError::TooDeep));

    let limits = HeaderLimits { max_elements: 1000, ..HeaderLimits::default() };
    let mut scanner = Scanner::new("1.2.840.10008.1.2.1", &limits).expect("is known");
    let element = [0x10, 0, 0x20, 0, b'L', b'O', 0, 0];
    assert_eq!(scanner.write(&element.repeat(2000)), Err(HeaderError::TooManyElements));

    let mut deflater = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    let mut bomb = vec![0x09, 0, 0x10, 0x10, b'O', b'B', 0, 0, 0, 0, 0, 0x7f];
    bomb.resize(8 << 20, 0);
    std::io::Write::write_all(&mut deflater, &bomb).expect("deflates");
    let bomb = deflater.finish().expect("deflates");
    let limits = HeaderLimits { max_bytes: 1 << 20, ..HeaderLimits::default() };
    let mut scanner = Scanner::new("1.2.840.10008.1.2.1.99", &limits).expect("is known");
    assert_eq!(bomb.chunks(4096).try_for_each(|piece| scanner.write(piece)), Err(HeaderError::TooLarge));
}

#[test]
fn texts_are_read_in_their_character_sets() {
    for (name, patient) in [
        ("charset/chrFren.dcm", "Buc^Jérôme"),
        ("charset/chrGreek.dcm", "Διονυσιος"),
        ("charset/chrH31.dcm", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("charset/chrI2.dcm", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("charset/chrX1.dcm", "Wang^XiaoDong=王^小東="),
    ] {
        assert_eq!(header(name).text(tags::PATIENT_NAME).as_deref(), Some(patient), "{name}");
    }
}

#[test]
fn places_of_long_values_are_those_of_their_bytes() {
    for name in ["images/CT_small.dcm", "images/MR_small_bigendian.dcm"] {
        let file = fixture(name);
        let (_, header) = read(&file, 100).expect("is valid");
        let (_, bulk) = header.bulk(&[(tags::PIXEL_DATA, None)]).expect("has pixel data");
        let begin = file.len() - usize::try_from(header.length).expect("is small");
        let offset = begin + usize::try_from(header.pixel_data_offset.expect("has pixel data")).expect("is small");
        let group = if name.contains("big") { [0x7f, 0xe0] } else { [0xe0, 0x7f] };
        assert_eq!(file[offset..offset + 2], group, "{name}");
        assert_eq!(header.pixel_data_offset.map(|offset| offset + 12), Some(bulk.offset));
        let size = |tag| header.integer(tag).and_then(|number| u64::try_from(number).ok()).expect("has a size");
        let (rows, columns) = (size(tags::ROWS), size(tags::COLUMNS));
        assert_eq!(bulk.length, Some(rows * columns * 2));
    }
}

#[test]
fn our_file_meta_information_is_read_back() {
    let uid = |text| crate::base::Uid::parse(text).expect("valid");
    let title = crate::base::AeTitle::parse("MODALITY").expect("valid");
    let (class, instance) = (uid("1.2.840.10008.5.1.4.1.1.2"), uid("1.2.3.4"));
    let meta = NewMeta {
        sop_class_uid: &class,
        sop_instance_uid: &instance,
        transfer_syntax_uid: "1.2.840.10008.1.2.1",
        source: Some(&title),
        sending: Some(&title),
        receiving: None,
    };
    let mut bytes = meta.to_bytes();
    assert_eq!(bytes.len() % 2, 0);
    bytes.extend_from_slice(&[8, 0, 5, 0]);
    let (read, rest) = MetaReader::default().write(&bytes).expect("is valid").expect("is whole");
    assert_eq!(rest, [8, 0, 5, 0]);
    assert_eq!(read.sop_class_uid.as_deref(), Some(class.as_str()));
    assert_eq!(read.sop_instance_uid.as_deref(), Some("1.2.3.4"));
    assert_eq!(read.source_ae_title.as_deref(), Some("MODALITY"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever is done to a file, reading it ends, and what is read can be written as JSON.
    #[test]
    fn changed_files_never_break_the_reader(
        which in 0..8_usize,
        changes in proptest::collection::vec((0..4000_usize, any::<u8>()), 1..12),
        piece in 1..600_usize,
    ) {
        let name = [
            "images/CT_small.dcm", "images/MR_small_implicit.dcm", "images/MR_small_bigendian.dcm",
            "images/JPEG2000.dcm", "images/image_dfl.dcm", "sr/tid1500_comprehensive.dcm", "charset/chrSQEncoding.dcm",
            "broken/nested_priv_SQ.dcm",
        ][which];
        let mut file = fixture(name);
        let length = file.len();
        for (place, byte) in changes {
            file[132 + place % (length - 132)] = byte;
        }
        if let Ok((_, header)) = read(&file, piece) {
            let json = json::object(&header);
            let plain = json.replace(char::from(json::INSTANCE_URL), "");
            prop_assert!(serde_json::from_str::<serde_json::Value>(&plain).is_ok(), "is JSON");
        }
    }
}
