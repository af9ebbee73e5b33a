//! C-FIND, C-MOVE and C-GET: what was stored comes back byte for byte.

use std::collections::BTreeMap;
use std::path::Path;

use causeway::base::Uid;
use causeway::dicom::dimse::{Command, EXPLICIT_LE, IMPLICIT_LE, QueryModel, Suboperations, element, field};
use causeway::dicom::element::{DataSet, put_empty, put_text, text};
use causeway::remote::dimse::{DimseError, DimsePeer, Step};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::raw::{Raw, request};
use super::{Sample, peer, store, title};
use crate::each_backend;
use crate::support::{Backend, Manner, Pacs, TestGateway, WILLING, files_below};

each_backend!(
    queries_are_answered_at_every_level,
    what_is_wrong_with_a_query_is_said,
    a_query_can_be_cancelled_and_limited,
    a_study_is_moved_to_a_known_peer_only,
    what_the_destination_refuses_is_counted_and_named,
    instances_come_in_another_syntax_where_they_must,
);

/// Every file comes back on the same association, and at a third system, as it was.
#[test]
fn every_valid_file_survives_byte_for_byte() {
    crate::support::run(async {
        let mut rounds: Vec<Vec<(String, Vec<u8>)>> = Vec::new();
        for (name, file) in all_files() {
            let uid = Sample::of(&file).expect("valid").outgoing.sop_instance_uid;
            let is_free = |round: &Vec<(String, Vec<u8>)>| {
                round.iter().all(|(_, other)| Sample::of(other).expect("valid").outgoing.sop_instance_uid != uid)
            };
            match rounds.iter_mut().find(|round| is_free(round)) {
                Some(round) => round.push((name, file)),
                None => rounds.push(vec![(name, file)]),
            }
        }
        assert!(rounds.len() > 1, "some are one image in many syntaxes");
        for round in rounds {
            let pacs = Pacs::start(WILLING).await;
            let gateway = TestGateway::with(&Backend::Sqlite, &[], &destination(&pacs)).await;
            let peer = peer(&gateway).await;
            let samples: Vec<_> = round.iter().map(|(_, file)| Sample::of(file).expect("valid")).collect();
            let statuses = store(&peer, &samples).await;
            for ((name, _), status) in round.iter().zip(&statuses) {
                assert!(matches!(status, 0 | 0xB007), "{name}: {status:04X}");
            }
            let studies = find(&peer, "STUDY", &[(tags::STUDY_INSTANCE_UID, VR::UI, "")]).await;
            let kinds: Vec<_> = samples.iter().map(Sample::kind).collect();
            let mut back = BTreeMap::new();
            for study in &studies {
                let study = text(study, tags::STUDY_INSTANCE_UID).expect("is there");
                let wanted = identifier("STUDY", &[(tags::STUDY_INSTANCE_UID, VR::UI, &study)]);
                back.extend(get(&peer, &wanted, &kinds).await);
                let moved = peer.move_to(QueryModel::StudyRoot, &wanted, &title("ELSEWHERE"), |_| {}).await;
                let counts = moved.unwrap_or_else(|error| panic!("{study}: {error}"));
                assert_eq!((counts.failed, counts.warning), (0, 0), "{study}");
            }
            let moved = pacs.stored();
            for ((name, _), sample) in round.iter().zip(&samples) {
                let uid = sample.outgoing.sop_instance_uid.as_str();
                assert!(back.get(uid) == Some(&sample.data_set), "{name} by C-GET");
                let arrived = moved.iter().find(|stored| stored.sop_instance_uid == uid);
                assert!(arrived.is_some_and(|stored| stored.data_set == sample.data_set), "{name} by C-MOVE");
            }
        }
    });
}

async fn queries_are_answered_at_every_level(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let peer = peer(&gateway).await;
    store(&peer, &Sample::slices()).await;
    let studies = find(
        &peer,
        "STUDY",
        &[(tags::STUDY_INSTANCE_UID, VR::UI, ""), (tags::PATIENT_NAME, VR::PN, ""), (tags::PATIENT_ID, VR::LO, "")],
    )
    .await;
    assert_eq!(studies.len(), 1);
    let study = text(&studies[0], tags::STUDY_INSTANCE_UID).expect("is there");
    assert_eq!(text(&studies[0], tags::QUERY_RETRIEVE_LEVEL).as_deref(), Some("STUDY"));
    assert_eq!(text(&studies[0], tags::RETRIEVE_AE_TITLE).as_deref(), Some("CAUSEWAY"));
    let of_study = (tags::STUDY_INSTANCE_UID, VR::UI, study.as_str());
    let series = find(&peer, "SERIES", &[of_study, (tags::SERIES_INSTANCE_UID, VR::UI, "")]).await;
    assert_eq!(series.len(), 1);
    let series = text(&series[0], tags::SERIES_INSTANCE_UID).expect("is there");
    let of_series = (tags::SERIES_INSTANCE_UID, VR::UI, series.as_str());
    let images = find(
        &peer,
        "IMAGE",
        &[of_study, of_series, (tags::SOP_INSTANCE_UID, VR::UI, ""), (tags::SOP_CLASS_UID, VR::UI, "")],
    )
    .await;
    assert_eq!(images.len(), Sample::slices().len());
    let patient = text(&studies[0], tags::PATIENT_ID).expect("is there");
    let by_patient = identifier("PATIENT", &[(tags::PATIENT_ID, VR::LO, &patient)]);
    let found = peer.find(QueryModel::PatientRoot, &by_patient, 10).await.expect("answered");
    assert_eq!(found.data_sets.len(), 1);
    let none = find(&peer, "STUDY", &[(tags::PATIENT_ID, VR::LO, "NOBODY")]).await;
    assert!(none.is_empty());
}

async fn what_is_wrong_with_a_query_is_said(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let peer = peer(&gateway).await;
    for wrong in [
        identifier("NOWHERE", &[]),
        identifier("PATIENT", &[]),
        identifier("SERIES", &[(tags::SERIES_INSTANCE_UID, VR::UI, "")]),
        identifier("STUDY", &[(tags::STUDY_DATE, VR::DA, "yesterday")]),
    ] {
        let failed = peer.find(QueryModel::StudyRoot, &wrong, 10).await;
        assert!(matches!(failed, Err(DimseError::Failed { status: 0xA900, .. })), "{failed:?}");
    }
    let entry = "[[dimse.caller]]\nae_title = \"CT1\"\nrights = [\"store\"]\n";
    let closed = TestGateway::with(&backend, &[], entry).await;
    let refused = super::peer(&closed).await.find(QueryModel::StudyRoot, &identifier("STUDY", &[]), 10).await;
    assert!(matches!(refused, Err(DimseError::NotAccepted(_))), "{refused:?}");
}

async fn a_query_can_be_cancelled_and_limited(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["dimse.max_matches=2"], "").await;
    let peer = peer(&gateway).await;
    let samples: Vec<_> = valid_files().iter().map(|(_, file)| Sample::of(file).expect("valid")).take(8).collect();
    store(&peer, &samples).await;
    let all = identifier("STUDY", &[(tags::STUDY_INSTANCE_UID, VR::UI, "")]);
    let failed = peer.find(QueryModel::StudyRoot, &all, 10).await;
    assert!(matches!(failed, Err(DimseError::Failed { status: 0xA700, .. })), "{failed:?}");
    let wide = TestGateway::new(&backend).await;
    let peer = super::peer(&wide).await;
    store(&peer, &samples).await;
    let cut = peer.find(QueryModel::StudyRoot, &all, 1).await.expect("answered");
    assert!(cut.data_sets.len() == 1 && cut.is_cut);
    peer.echo().await.expect("answered");
}

async fn a_study_is_moved_to_a_known_peer_only(backend: Backend) {
    let pacs = Pacs::start(WILLING).await;
    let gateway = TestGateway::with(&backend, &[], &destination(&pacs)).await;
    let peer = peer(&gateway).await;
    let slices = Sample::slices();
    store(&peer, &slices).await;
    let studies = find(&peer, "STUDY", &[(tags::STUDY_INSTANCE_UID, VR::UI, "")]).await;
    let study = text(&studies[0], tags::STUDY_INSTANCE_UID).expect("is there");
    let wanted = identifier("STUDY", &[(tags::STUDY_INSTANCE_UID, VR::UI, &study)]);
    let unknown = peer.move_to(QueryModel::StudyRoot, &wanted, &title("NOBODY"), |_| {}).await;
    assert!(matches!(unknown, Err(DimseError::Failed { status: 0xA801, .. })), "{unknown:?}");
    assert!(pacs.stored().is_empty());
    let counts = peer.move_to(QueryModel::StudyRoot, &wanted, &title("ELSEWHERE"), |_| {}).await.expect("moves");
    let slices = u16::try_from(slices.len()).expect("few");
    assert_eq!(counts, Suboperations { remaining: None, completed: slices, failed: 0, warning: 0 });
    assert_eq!(pacs.stored().len(), usize::from(slices));
    let nothing = identifier("STUDY", &[(tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3.4")]);
    let counts = peer.move_to(QueryModel::StudyRoot, &nothing, &title("ELSEWHERE"), |_| {}).await.expect("moves");
    assert_eq!(counts, Suboperations::default());
    let patient = text(&find(&peer, "STUDY", &[(tags::PATIENT_ID, VR::LO, "")]).await[0], tags::PATIENT_ID);
    let all = identifier("PATIENT", &[(tags::PATIENT_ID, VR::LO, &patient.expect("is there"))]);
    let counts = peer.move_to(QueryModel::PatientRoot, &all, &title("ELSEWHERE"), |_| {}).await.expect("moves");
    assert_eq!(counts.completed, slices, "by patient");
}

async fn what_the_destination_refuses_is_counted_and_named(backend: Backend) {
    let pacs = Pacs::start(Manner { takes: |_| true, status: |_| 0xA700 }).await;
    let gateway = TestGateway::with(&backend, &[], &destination(&pacs)).await;
    let peer = peer(&gateway).await;
    let slices = Sample::slices();
    store(&peer, &slices).await;
    let studies = find(&peer, "STUDY", &[(tags::STUDY_INSTANCE_UID, VR::UI, "")]).await;
    let study = text(&studies[0], tags::STUDY_INSTANCE_UID).expect("is there");
    let wanted = identifier("STUDY", &[(tags::STUDY_INSTANCE_UID, VR::UI, &study)]);
    let all = peer.move_to(QueryModel::StudyRoot, &wanted, &title("ELSEWHERE"), |_| {}).await;
    assert!(matches!(all, Err(DimseError::Failed { status: 0xA702, .. })), "{all:?}");

    // Without a context for the class, each counts as failed, and is named.
    let model = QueryModel::StudyRoot;
    let mut association = request();
    association.contexts.truncate(1);
    association.contexts[0].abstract_syntax = model.get().to_owned();
    let mut raw = Raw::connect(gateway.dimse()).await;
    raw.send(&association.to_bytes().expect("fits")).await;
    raw.unit().await.expect("an answer");
    let bytes =
        causeway::dicom::part10::encode(&wanted, causeway::dicom::part10::TransferSyntax::ImplicitVrLittleEndian);
    let command = Command::query_request(field::C_GET_RQ, 5, model.get(), None);
    raw.send_message(1, &command, Some(&bytes.expect("encodes"))).await;
    let last = raw.message().await;
    assert_eq!(last.command.u16(element::STATUS), Some(0xA702));
    assert_eq!(usize::from(last.command.suboperations().failed), slices.len());
    let named = String::from_utf8_lossy(&last.data_set);
    assert!(slices.iter().all(|slice| named.contains(slice.outgoing.sop_instance_uid.as_str())), "{named}");
}

async fn instances_come_in_another_syntax_where_they_must(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let peer = peer(&gateway).await;
    let slices = Sample::slices();
    store(&peer, &slices).await;
    let studies = find(&peer, "STUDY", &[(tags::STUDY_INSTANCE_UID, VR::UI, "")]).await;
    let study = text(&studies[0], tags::STUDY_INSTANCE_UID).expect("is there");
    let wanted = identifier("STUDY", &[(tags::STUDY_INSTANCE_UID, VR::UI, &study)]);
    assert_eq!(slices[0].outgoing.transfer_syntax_uid.as_str(), EXPLICIT_LE);
    let implicit = super::uid(IMPLICIT_LE);
    let back = get(&peer, &wanted, &[(slices[0].outgoing.sop_class_uid.clone(), implicit)]).await;
    assert_eq!(back.len(), slices.len());
    for slice in &slices {
        let came = &back[slice.outgoing.sop_instance_uid.as_str()];
        let syntax = causeway::dicom::part10::TransferSyntax::ImplicitVrLittleEndian;
        let read =
            causeway::dicom::part10::read_data_set(came, syntax, &causeway::dicom::part10::ReadLimits::default())
                .expect("reads");
        let uid = text(&read.data_set, tags::SOP_INSTANCE_UID);
        assert_eq!(uid.as_deref(), Some(slice.outgoing.sop_instance_uid.as_str()));
        assert!(came.ends_with(&slice.data_set[slice.data_set.len() - 1_000..]), "its pixels are as they were");
    }
}

/// The files of `fixtures/dicom` that are whole.
fn all_files() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dicom");
    let mut files = Vec::new();
    for path in files_below(&root) {
        let name = path.strip_prefix(&root).expect("is below").display().to_string();
        let is_whole = path.extension().is_some_and(|end| end == "dcm")
            && NOT_TO_BE_STORED.iter().all(|part| !name.contains(part));
        if is_whole {
            files.push((name, std::fs::read(&path).expect("is read")));
        }
    }
    assert!(files.len() > 50, "{}", files.len());
    files
}

/// Files that are broken on purpose, that name no study, or whose file meta information names another instance
/// than they are: what a sender announces by it is refused.
const NOT_TO_BE_STORED: [&str; 7] =
    ["broken", "DICOMDIR", "chrSQEncoding", "HTJ2K_08_RGB", "JPEGLSNearLossless_08", "rtdose", "rtplan"];

/// Those, each instance once.
pub(super) fn valid_files() -> Vec<(String, Vec<u8>)> {
    let mut known = Vec::new();
    let mut files = all_files();
    files.retain(|(_, file)| {
        let uid = Sample::of(file).expect("valid").outgoing.sop_instance_uid;
        let is_new = !known.contains(&uid);
        known.push(uid);
        is_new
    });
    files
}

pub(super) fn identifier(level: &str, keys: &[(Tag, VR, &str)]) -> DataSet {
    let mut set = DataSet::new_empty();
    put_text(&mut set, tags::QUERY_RETRIEVE_LEVEL, VR::CS, level);
    for (tag, vr, value) in keys {
        if value.is_empty() {
            put_empty(&mut set, *tag, *vr);
        } else {
            put_text(&mut set, *tag, *vr, *value);
        }
    }
    set
}

pub(super) async fn find(peer: &DimsePeer, level: &str, keys: &[(Tag, VR, &str)]) -> Vec<DataSet> {
    peer.find(QueryModel::StudyRoot, &identifier(level, keys), 10_000).await.expect("is answered").data_sets
}

/// What comes by C-GET, by SOP Instance UID.
async fn get(peer: &DimsePeer, wanted: &DataSet, kinds: &[(Uid, Uid)]) -> BTreeMap<String, Vec<u8>> {
    let mut proposed: Vec<(Uid, Vec<&str>)> = Vec::new();
    for (class, syntax) in kinds {
        let kind = (class.clone(), vec![syntax.as_str()]);
        if !proposed.contains(&kind) {
            proposed.push(kind);
        }
    }
    let mut retrieval = peer.get(QueryModel::StudyRoot, wanted, &proposed).await.expect("begins");
    let (mut came, mut current) = (BTreeMap::new(), (String::new(), Vec::new()));
    loop {
        match retrieval.next().await.expect("goes on") {
            Step::Begins(arriving) => current = (arriving.sop_instance_uid.to_string(), Vec::new()),
            Step::Piece(bytes) => current.1.extend_from_slice(&bytes),
            Step::Ends => {
                let (uid, bytes) = std::mem::take(&mut current);
                came.insert(uid, bytes);
                retrieval.answer(0).await.expect("goes on");
            }
            Step::Progress(_) => {}
            Step::Done { status, counts } => {
                assert_eq!((status, counts.failed), (0, 0));
                break;
            }
        }
    }
    retrieval.release().await;
    came
}

/// A peer that instances may be moved to.
fn destination(pacs: &Pacs) -> String {
    format!(
        "[[peer]]\nname = \"elsewhere\"\nkind = \"dimse\"\nhost = \"127.0.0.1\"\nport = {}\n\
         called_ae_title = \"ELSEWHERE\"\n",
        pacs.port
    )
}
