//! Frames of what is kept: as stored, as samples, as pictures, and instances in other transfer syntaxes.

use bytes::Bytes;
use causeway::access::Actor;
use causeway::base::Sha256;
use causeway::dicom::pixel::Photometric;
use causeway::dicom::pixel::render::{PictureFile, RenderRequest, Viewport};
use causeway::dicom::transcode::{TargetForm, TargetSyntax};
use causeway::ops::Ops;
use causeway::ops::studies::HeldInstance;
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use super::{archivist, data_set, fixture, read, scope_of, store};
use crate::each_backend;
use crate::support::samples;
use crate::support::{Backend, TestGateway};

each_backend!(
    frames_are_read_from_sealed_files,
    what_has_no_frames_says_so,
    instances_come_in_other_transfer_syntaxes,
    reports_show_images_that_are_kept_here,
);

async fn held(ops: &Ops, actor: &Actor, name: &str) -> HeldInstance {
    let received = store(ops, actor, &fixture(name)).await;
    assert!(received.status.class().is_kept(), "{name}: {}", received.status);
    ops.held_instances(actor, &scope_of(&received)).await.expect("is there").remove(0)
}

fn expected(name: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pixels/expected.json");
    let all: Value = serde_json::from_slice(&std::fs::read(path).expect("is there")).expect("is JSON");
    all[format!("dicom/{name}")].clone()
}

async fn frames_are_read_from_sealed_files(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    for name in [
        "images/CT_small.dcm",
        "images/emri_small_RLE.dcm",
        "images/SC_rgb_expb.dcm",
        "images/image_dfl.dcm",
        "images/liver_1frame.dcm",
        "images/liver_deflate.dcm",
        "images/MR_small_jp2klossless.dcm",
    ] {
        let held = held(ops, &actor, name).await;
        let image = ops.open_image(&actor, &held).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let digests = expected(name)["sha256"].as_array().expect("is lossless").clone();
        assert_eq!(digests.len(), usize::try_from(image.frames()).expect("few"), "{name}");
        for (number, digest) in (1..).zip(&digests) {
            let frame = ops.decoded_frame(&actor, &image, number).await.expect("decodes");
            assert_eq!(Sha256::of(&frame.bytes).to_hex(), digest.as_str().expect("text"), "{name} {number}");
        }
        let beyond = ops.stored_frame(&actor, &image, u64::from(image.frames()) + 1).await;
        assert!(beyond.is_err_and(|error| error.is_absent()), "{name}");
        let viewport = Some(Viewport { width: Some(32), height: Some(32), source: None });
        let request = RenderRequest { viewport, ..RenderRequest::default() };
        let file = ops.frame_file(&actor, &image, 1, request, PictureFile::Jpeg { quality: 80 }).await.expect("shows");
        assert!(file.starts_with(b"\xff\xd8\xff"), "{name}");
        if image.frames() > 1 {
            let gif = ops.animated_frames(&actor, &image, request).await.expect("shows");
            assert!(gif.starts_with(b"GIF89a"), "{name}");
        }
    }
}

async fn what_has_no_frames_says_so(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    for name in ["images/waveform_ecg.dcm", "sr/test-SR.dcm"] {
        let held = held(ops, &actor, name).await;
        assert!(ops.open_image(&actor, &held).await.is_err_and(|error| error.is_absent()), "{name}");
    }
    let held = held(ops, &actor, "images/video_h264.dcm").await;
    let image = ops.open_image(&actor, &held).await.expect("has frames");
    assert!(!ops.stored_frame(&actor, &image, 1).await.expect("is there").is_empty());
    assert!(ops.decoded_frame(&actor, &image, 1).await.is_err_and(|error| error.is_unsupported()));
    let target = TargetSyntax::ExplicitVrLittleEndian;
    let refused = ops.transcoded_instance(&actor, &held, target, TargetForm::Part10).await;
    assert!(refused.is_err_and(|error| error.is_unsupported()));
}

async fn instances_come_in_other_transfer_syntaxes(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let held = held(ops, &actor, "images/examples_ybr_color.dcm").await;
    let target = TargetSyntax::ExplicitVrLittleEndian;
    let file = converted(ops, &actor, &held, target, TargetForm::Part10).await;
    let alone = converted(ops, &actor, &held, target, TargetForm::DataSet).await;
    assert_eq!(data_set(&file), alone);
    assert!(file.len() > 30 * 240 * 320 * 3);

    // What was converted can be stored in its place by somebody else, and says the same.
    let other = TestGateway::new(&backend).await;
    let received = store(other.ops(), &actor, &file).await;
    assert!(received.status.class().is_kept(), "{}", received.status);
    let again = other.ops().held_instances(&actor, &scope_of(&received)).await.expect("is there").remove(0);
    assert_eq!(again.transfer_syntax_uid, target.uid());
    let (before, after) = (
        ops.open_image(&actor, &held).await.expect("has frames"),
        other.ops().open_image(&actor, &again).await.expect("has frames"),
    );
    assert_eq!(after.image().photometric, Photometric::Rgb);
    for number in [1, 30] {
        let one = ops.decoded_frame(&actor, &before, number).await.expect("decodes");
        let two = other.ops().decoded_frame(&actor, &after, number).await.expect("decodes");
        assert_eq!(one.bytes, two.bytes);
    }
    assert_ne!(read(ops, &actor, &held).await, file);
}

async fn converted(ops: &Ops, actor: &Actor, held: &HeldInstance, target: TargetSyntax, form: TargetForm) -> Vec<u8> {
    let pieces = ops.transcoded_instance(actor, held, target, form).await.expect("converts");
    let pieces: Vec<Bytes> = pieces.try_collect().await.expect("is whole");
    pieces.concat()
}

async fn reports_show_images_that_are_kept_here(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let (ops, actor) = (gateway.ops(), archivist());
    let received = store(ops, &actor, &fixture("images/CT_small.dcm")).await;
    let uid = |uid: &Option<causeway::base::Uid>| uid.as_ref().expect("was read").to_string();
    let report = samples::short("final");
    let report = samples::with(report, "/study/studyInstanceUID", uid(&received.study_instance_uid));
    let image = json!([{
        "seriesInstanceUID": uid(&received.series_instance_uid),
        "sopInstanceUID": uid(&received.sop_instance_uid),
        "sopClassUID": uid(&received.sop_class_uid),
    }]);
    let report = samples::with(report, "/keyImages", image);
    let client = gateway.radiologist().await;
    let (id, _) = samples::create(&client, &report).await;
    let bundle = samples::exported(&client, &id, "fhir").await.json();
    let entries = bundle["entry"].as_array().expect("has entries");
    let study = entries.iter().map(|entry| &entry["resource"]).find(|one| one["resourceType"] == "ImagingStudy");
    let study = study.expect("is there");
    assert_eq!(study["numberOfInstances"], 1);
    assert_eq!(study["series"][0]["instance"][0]["uid"], uid(&received.sop_instance_uid));
    let pdf = samples::exported(&client, &id, "pdf").await;
    assert!(pdf.body.windows(6).any(|bytes| bytes == b"/Image"));
}
