use proptest::prelude::*;

use super::super::element::DataSet;
use super::super::part10::{self, ReadLimits, TransferSyntax};
use super::*;

const FINDING: Term = Term::dcm("121071", "Finding");

fn through_bytes(document: &SrDocument) -> SrDocument {
    let mut set = DataSet::new_empty();
    document.put(&mut set);
    let syntax = TransferSyntax::ExplicitVrLittleEndian;
    let bytes = part10::encode(&set, syntax).expect("encoded");
    let set = part10::read_data_set(&bytes, syntax, &ReadLimits::default()).expect("read").data_set;
    let (document, notes) = SrDocument::of(&set, &SrLimits::default()).expect("a tree");
    assert_eq!(notes, []);
    document
}

#[test]
fn every_kind_of_value_comes_back() {
    let sop = SopReference { sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".into(), sop_instance_uid: "2.25.1".into() };
    let values = [
        ItemValue::Container { is_continuous: true, template: Some("1501".into()) },
        ItemValue::Text("two\r\nlines".into()),
        ItemValue::Code(Code::new("39607008", "SCT", "Lung")),
        ItemValue::Num(NumericValue {
            value: Some("8.20".into()),
            floating_point: Some(8.2),
            units: Some(Code::new("mm", "UCUM", "mm")),
            qualifier: None,
        }),
        ItemValue::Num(NumericValue {
            qualifier: Some(Code::new("114006", "DCM", "Measurement failure")),
            ..NumericValue::default()
        }),
        ItemValue::PersonName("Weiß^Klara".into()),
        ItemValue::Date("20260203".into()),
        ItemValue::Time("101112.5".into()),
        ItemValue::DateTime("20260203101112+0100".into()),
        ItemValue::Uid("2.25.7".into()),
        ItemValue::Image(ImageReference { sop: sop.clone(), frames: vec![1, 12], rest: Vec::new() }),
        ItemValue::Composite(sop.clone()),
        ItemValue::Waveform(sop, vec![1, 2]),
        ItemValue::Scoord { graphic_type: "POLYLINE".into(), points: vec![1.0, 2.5, 3.0, 4.0] },
        ItemValue::Reference(vec![1, 3, 2]),
    ];
    let children = values.into_iter().map(|value| {
        let concept = (!matches!(value, ItemValue::Reference(_))).then(|| FINDING.to_code());
        ContentItem::new(Relationship::Contains, concept, value)
    });
    let mut root = ContentItem::container(Relationship::Contains, FINDING.to_code(), children.collect());
    root.relationship = None;
    root.observed_at = Some("20260203101112.000000+0000".into());
    let document = SrDocument { root };
    assert_eq!(through_bytes(&document), document);
}

#[test]
fn foreign_trees_are_read_with_notes() {
    for (file, items, noted) in [
        (&include_bytes!("../../../fixtures/dicom/sr/reportsi.dcm")[..], 8, 0),
        (include_bytes!("../../../fixtures/dicom/sr/test-SR.dcm"), 29, 1),
        (include_bytes!("../../../fixtures/dicom/sr/tid1500_comprehensive3d.dcm"), 17, 0),
        (include_bytes!("../../../fixtures/dicom/sr/broken/sr_text_without_value.dcm"), 10, 1),
    ] {
        let set = part10::read(file, &ReadLimits::default()).expect("read").content.data_set;
        let (document, notes) = SrDocument::of(&set, &SrLimits::default()).expect("a tree");
        let count = |item: &ContentItem| {
            let mut open = vec![item];
            let mut count = 0;
            while let Some(item) = open.pop() {
                count += 1;
                open.extend(&item.children);
            }
            count
        };
        assert!(count(&document.root) >= items, "{}", count(&document.root));
        assert_eq!(notes.len(), noted, "{notes:?}");
        // Compared as text: `dicom-core` holds no two sequences of undefined length to be equal.
        let again = through_bytes_with_notes(&document);
        assert!(format!("{again:?}") == format!("{:?}", (document, notes)));
    }
}

fn through_bytes_with_notes(document: &SrDocument) -> (SrDocument, Vec<Note>) {
    let mut set = DataSet::new_empty();
    document.put(&mut set);
    SrDocument::of(&set, &SrLimits::default()).expect("a tree")
}

#[test]
fn deep_and_large_trees_have_limits() {
    let mut item = ContentItem::text(Relationship::Contains, FINDING, "deep");
    for _ in 0..299 {
        item = ContentItem::container(Relationship::Contains, FINDING.to_code(), vec![item]);
    }
    item.relationship = None;
    let document = SrDocument { root: item };
    assert_eq!(through_bytes(&document), document);
    let mut set = DataSet::new_empty();
    document.put(&mut set);
    let few = |limits: SrLimits| SrDocument::of(&set, &limits).expect_err("refused");
    assert_eq!(few(SrLimits { max_depth: 299, max_items: 1000 }), SrTreeError::TooDeep { max: 299 });
    assert_eq!(few(SrLimits { max_depth: 400, max_items: 299 }), SrTreeError::TooManyItems { max: 299 });
    assert_eq!(SrDocument::of(&DataSet::new_empty(), &SrLimits::default()), Err(SrTreeError::NoTree));
}

fn any_item() -> impl Strategy<Value = ContentItem> {
    let text = "[^\\x00-\\x1f\\x7f-\\x9f]{0,12}[a-z]";
    let value = prop_oneof![
        text.prop_map(ItemValue::Text),
        ("[!-~&&[^\\\\]]{1,40}", "[A-Z]{1,16}", "[a-zé]{1,64}")
            .prop_map(|(value, scheme, meaning)| ItemValue::Code(Code::new(value, scheme, meaning))),
        "[0-9]{1,8}".prop_map(|value| ItemValue::Num(NumericValue {
            value: Some(value),
            units: Some(Code::new("mm", "UCUM", "mm")),
            ..NumericValue::default()
        })),
        any::<bool>().prop_map(|is_continuous| ItemValue::Container { is_continuous, template: None }),
        ("[A-Z]{1,16}")
            .prop_map(|value_type| ItemValue::Other { value_type: format!("X{value_type}"), elements: Vec::new() }),
    ];
    let relationship = prop_oneof![
        Just(Relationship::Contains),
        Just(Relationship::HasProperties),
        Just(Relationship::Other("IS RELATED".into())),
    ];
    (relationship, value).prop_map(|(relationship, value)| ContentItem::new(relationship, FINDING.to_code(), value))
}

proptest! {
    #[test]
    fn any_tree_comes_back(items in prop::collection::vec((any_item(), any::<prop::sample::Index>()), 1..20)) {
        let mut root = ContentItem::container(Relationship::Contains, FINDING.to_code(), Vec::new());
        root.relationship = None;
        for (item, place) in items {
            let mut parent = &mut root;
            for _ in 0..place.index(4) {
                if parent.children.is_empty() {
                    break;
                }
                let last = parent.children.len() - 1;
                parent = &mut parent.children[last];
            }
            parent.children.push(item);
        }
        let document = SrDocument { root };
        let mut set = DataSet::new_empty();
        document.put(&mut set);
        let syntax = TransferSyntax::ImplicitVrLittleEndian;
        let bytes = part10::encode(&set, syntax).expect("encoded");
        let set = part10::read_data_set(&bytes, syntax, &ReadLimits::default()).expect("read").data_set;
        let (read, _) = SrDocument::of(&set, &SrLimits::default()).expect("a tree");
        prop_assert_eq!(read, document);
    }
}
