use proptest::prelude::*;

use super::super::{Activity, AuditEvent, Mac, Object, Seal, seal};
use super::*;
use crate::access::{Actor, Operation, RequestId};
use crate::base::{LogicalId, Sha256, Timestamp};

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).expect("valid")
}

fn events(tenant: &TenantId, count: usize) -> Vec<Record> {
    let actor = Actor::system(tenant.clone(), "test", RequestId::parse("r-1").expect("valid"));
    (0..count)
        .map(|index| {
            let id = LogicalId::derived(&["event", &index.to_string()]);
            let time = Timestamp(1_770_000_000_000_000).plus_seconds(i64::try_from(index).expect("small"));
            let report = LogicalId::derived(&["report"]);
            let event = AuditEvent::of(&actor, id, time, Activity::Use(Operation::ReportRead)).on(Object::resource(
                "DiagnosticReport",
                &report,
                None,
            ));
            Record::of(&event).expect("an event")
        })
        .collect()
}

fn rows(tenant: &TenantId, count: usize, key: Option<&AuditKey>) -> Vec<ChainRow> {
    let records = events(tenant, count);
    let seals = seal(&Head::genesis(tenant), &records, key).expect("sealed");
    let pair = |(record, seal): (Record, Seal)| ChainRow { records: vec![record.as_str().to_owned()], seal };
    records.into_iter().zip(seals).map(pair).collect()
}

/// Seals the same texts anew, as someone without the key could who holds the database.
fn resealed(tenant: &TenantId, rows: &[ChainRow], key: Option<&AuditKey>) -> Vec<ChainRow> {
    let records: Vec<Record> = rows.iter().map(|row| Record::parse(&row.records[0]).expect("a record")).collect();
    let seals = seal(&Head::genesis(tenant), &records, key).expect("sealed");
    rows.iter().zip(seals).map(|(row, seal)| ChainRow { records: row.records.clone(), seal }).collect()
}

fn broken(rows: &[ChainRow], key: Option<&AuditKey>, checkpoints: &[Checkpoint]) -> ChainBreak {
    verify_chain(&tenant("a"), rows, key, checkpoints).expect_err("must not hold")
}

#[test]
fn a_chain_holds_and_names_its_end() {
    let a = tenant("a");
    let key = AuditKey::new(&[7; 32]);
    let rows = rows(&a, 9, Some(&key));
    let head = Head::genesis(&a).after(&rows[8].seal);
    let checkpoints = [
        Checkpoint::of(&Head::genesis(&a).after(&rows[4].seal), 5, Timestamp(1)),
        Checkpoint::of(&head, 9, Timestamp(2)),
    ];
    let report = verify_chain(&a, &rows, Some(&key), &checkpoints).expect("holds");
    assert_eq!(report, ChainReport { head: head.clone(), records: 9, checkpoints: 2, keyed: true });

    let mut later = ChainVerifier::new(Head::genesis(&a).after(&rows[4].seal), None, &checkpoints).expect("agrees");
    rows[5..].iter().try_for_each(|row| later.push(row)).expect("holds");
    assert_eq!(later.finish().expect("holds").head, head);
}

#[test]
fn an_empty_chain_holds() {
    let report = verify_chain(&tenant("a"), &[], None, &[]).expect("holds");
    assert_eq!(report.head, Head::genesis(&tenant("a")));
}

#[test]
fn sealing_in_batches_makes_the_same_chain() {
    let a = tenant("a");
    let records = events(&a, 6);
    let whole = seal(&Head::genesis(&a), &records, None).expect("sealed");
    let first = seal(&Head::genesis(&a), &records[..2], None).expect("sealed");
    let rest = seal(&Head::genesis(&a).after(&first[1]), &records[2..], None).expect("sealed");
    assert_eq!([first, rest].concat(), whole);
}

#[test]
fn a_page_has_the_hashes_of_its_records_one_by_one() {
    let a = tenant("a");
    let key = AuditKey::new(&[7; 32]);
    let records = events(&a, 7);
    let single = seal(&Head::genesis(&a), &records, Some(&key)).expect("sealed");
    let pages: Vec<&[Record]> = vec![&records[..4], &records[4..5], &records[5..]];
    let seals = seal(&Head::genesis(&a), &pages, Some(&key)).expect("sealed");
    let ends: Vec<_> = seals.iter().map(|seal| (seal.seq, seal.hash, seal.mac)).collect();
    let expected: Vec<_> =
        [3, 4, 6].map(|index: usize| &single[index]).map(|seal| (seal.seq, seal.hash, seal.mac)).into();
    assert_eq!(ends, expected);
    assert_eq!(seals[1].prev_hash, single[3].hash);
    let texts = |page: &&[Record]| page.iter().map(|record| record.as_str().to_owned()).collect();
    let rows: Vec<_> = pages.iter().zip(seals).map(|(page, seal)| ChainRow { records: texts(page), seal }).collect();
    let within = Checkpoint::of(&Head::genesis(&a).after(&single[1]), 2, Timestamp(1));
    let report = verify_chain(&a, &rows, Some(&key), std::slice::from_ref(&within)).expect("holds");
    assert_eq!((report.records, report.checkpoints, report.head.hash), (7, 1, single[6].hash));

    let mut shorter = rows.clone();
    shorter[0].records.remove(2);
    assert_eq!(broken(&shorter, None, &[]), ChainBreak { seq: 1, kind: BreakKind::Missing });
    let mut swapped = rows.clone();
    swapped[0].records.swap(1, 2);
    assert_eq!(broken(&swapped, None, &[]), ChainBreak { seq: 1, kind: BreakKind::Hash });
    let mut other = rows;
    other[2].records.clear();
    assert_eq!(broken(&other, None, &[]), ChainBreak { seq: 6, kind: BreakKind::Missing });
    let wrong = Checkpoint { hash: Sha256::of(b"x"), ..within };
    assert_eq!(broken(&other, None, &[wrong]), ChainBreak { seq: 2, kind: BreakKind::Checkpoint });
}

#[test]
fn a_record_taken_out_of_the_middle_shows() {
    let mut rows = rows(&tenant("a"), 9, None);
    rows.remove(4);
    assert_eq!(broken(&rows, None, &[]), ChainBreak { seq: 5, kind: BreakKind::Missing });
    for (index, row) in rows.iter_mut().enumerate() {
        row.seal.seq = index as u64 + 1;
    }
    assert_eq!(broken(&rows, None, &[]), ChainBreak { seq: 5, kind: BreakKind::PrevHash });
}

#[test]
fn an_end_that_was_cut_off_shows_against_a_checkpoint() {
    let a = tenant("a");
    let mut rows = rows(&a, 9, None);
    let checkpoint = Checkpoint::of(&Head::genesis(&a).after(&rows[7].seal), 8, Timestamp(1));
    rows.truncate(6);
    assert!(verify_chain(&a, &rows, None, &[]).is_ok(), "the chain alone cannot tell");
    assert_eq!(broken(&rows, None, &[checkpoint]), ChainBreak { seq: 7, kind: BreakKind::Truncated });
}

#[test]
fn an_older_database_with_new_records_behind_it_shows_against_a_checkpoint() {
    let a = tenant("a");
    let before = rows(&a, 9, None);
    let checkpoint = Checkpoint::of(&Head::genesis(&a).after(&before[8].seal), 9, Timestamp(1));
    let mut texts = before[..5].to_vec();
    texts.extend(before[..5].iter().cloned());
    let after = resealed(&a, &texts, None);
    assert_eq!(broken(&after, None, &[checkpoint]), ChainBreak { seq: 9, kind: BreakKind::Checkpoint });
}

#[test]
fn records_in_another_order_show() {
    let mut rows = rows(&tenant("a"), 9, None);
    rows.swap(3, 5);
    assert_eq!(broken(&rows, None, &[]), ChainBreak { seq: 4, kind: BreakKind::Missing });
    let mut texts = self::rows(&tenant("a"), 9, None);
    let fourth = texts[3].records.clone();
    texts[3].records = std::mem::replace(&mut texts[5].records, fourth);
    assert_eq!(broken(&texts, None, &[]), ChainBreak { seq: 4, kind: BreakKind::Hash });
}

#[test]
fn a_record_put_in_shows() {
    let mut rows = rows(&tenant("a"), 9, None);
    let mut extra = rows[3].clone();
    extra.seal.seq = 5;
    extra.seal.prev_hash = rows[3].seal.hash;
    rows.insert(4, extra);
    assert_eq!(broken(&rows, None, &[]), ChainBreak { seq: 5, kind: BreakKind::Hash });
}

#[test]
fn records_of_another_tenant_show() {
    let of_b = rows(&tenant("b"), 9, None);
    assert_eq!(broken(&of_b, None, &[]), ChainBreak { seq: 1, kind: BreakKind::Tenant });
    let head = Head::genesis(&tenant("a"));
    assert!(seal(&head, &events(&tenant("b"), 1), None).is_err());
    let foreign = Checkpoint::of(&Head::genesis(&tenant("b")), 0, Timestamp(1));
    assert_eq!(broken(&[], None, &[foreign]), ChainBreak { seq: 0, kind: BreakKind::ForeignCheckpoint });
}

#[test]
fn a_chain_that_was_made_anew_shows_without_the_key() {
    let a = tenant("a");
    let key = AuditKey::new(&[7; 32]);
    let mut texts = rows(&a, 9, Some(&key));
    texts.remove(4);
    let anew = resealed(&a, &texts, None);
    assert!(verify_chain(&a, &anew, None, &[]).is_ok(), "the hashes alone cannot tell");
    assert_eq!(broken(&anew, Some(&key), &[]), ChainBreak { seq: 1, kind: BreakKind::Mac });
    let forged = resealed(&a, &texts, Some(&AuditKey::new(&[8; 32])));
    assert_eq!(broken(&forged, Some(&key), &[]), ChainBreak { seq: 1, kind: BreakKind::Mac });
}

#[test]
fn checkpoints_are_read_back_and_nothing_else_is() {
    let checkpoint = Checkpoint::of(&Head::genesis(&tenant("a")), 0, Timestamp(5));
    let text = checkpoint.to_canonical();
    assert_eq!(Checkpoint::parse(&text), Some(checkpoint));
    for other in [text.replace(':', ": "), text.replace("\"seq\":0", "\"seq\":00"), text.replace('}', ",\"x\":1}")] {
        assert_eq!(Checkpoint::parse(&other), None, "{other}");
    }
}

proptest! {
    #[test]
    fn a_flipped_bit_anywhere_shows_at_its_record(at in 0_usize..6, byte in 0_usize..4096, bit in 0_u8..7) {
        let a = tenant("a");
        let key = AuditKey::new(&[7; 32]);
        let mut rows = rows(&a, 6, Some(&key));
        let mut bytes = rows[at].records[0].clone().into_bytes();
        let byte = byte % bytes.len();
        bytes[byte] ^= 1 << bit;
        rows[at].records[0] = String::from_utf8(bytes).expect("ASCII stays ASCII");
        prop_assert_eq!(broken(&rows, None, &[]).seq, at as u64 + 1);
    }

    #[test]
    fn a_changed_seal_shows(at in 0_usize..6, which in 0_usize..4) {
        let a = tenant("a");
        let key = AuditKey::new(&[7; 32]);
        let mut rows = rows(&a, 6, Some(&key));
        let seal = &mut rows[at].seal;
        match which {
            0 => seal.seq += 1,
            1 => seal.prev_hash = Sha256::of(b"x"),
            2 => seal.hash = Sha256::of(b"x"),
            _ => seal.mac = Mac::parse(&"0".repeat(64)),
        }
        prop_assert_eq!(broken(&rows, Some(&key), &[]).seq, at as u64 + 1);
    }

    #[test]
    fn any_text_is_read_as_a_record_without_panic(text in "\\PC{0,80}") {
        if let Ok(record) = Record::parse(&text) {
            prop_assert_eq!(record.as_str(), text);
        }
    }
}
