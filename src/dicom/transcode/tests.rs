use dicom_core::Tag;
use dicom_dictionary_std::tags;
use proptest::prelude::*;

use super::super::element;
use super::super::pixel::tests::Stored;
use super::super::pixel::{Photometric, PixelEncoding};
use super::*;

fn transcoded(bytes: &[u8], target: TargetSyntax, form: TargetForm, piece: usize) -> Result<Vec<u8>, TranscodeError> {
    let mut transcoder = Transcoder::new(target, form, TranscodeLimits::default());
    let mut out = Vec::new();
    for piece in bytes.chunks(piece) {
        transcoder.push(piece)?;
        out.append(&mut transcoder.take());
    }
    out.append(&mut transcoder.finish()?);
    Ok(out)
}

fn explicit(path: &str) -> Stored {
    let stored = Stored::open(path);
    let target = TargetSyntax::ExplicitVrLittleEndian;
    let out = transcoded(&stored.bytes, target, TargetForm::Part10, 1013);
    let out = out.unwrap_or_else(|error| panic!("{path}: {error}"));
    let made = Stored::of(out).unwrap_or_else(|| panic!("{path}: is no image any more"));
    assert_eq!(made.transfer_syntax_uid, target.uid());
    made
}

/// Elements and texts that are the same in both, but for some.
fn assert_same(one: &DataSet, other: &DataSet, but: &[Tag], path: &str) {
    let tags =
        |set: &DataSet| -> Vec<Tag> { set.tags().filter(|tag| !but.contains(tag) && tag.group() != 0x7fe0).collect() };
    assert_eq!(tags(one), tags(other), "{path}");
    for tag in tags(one) {
        assert_eq!(element::items(one, tag).len(), element::items(other, tag).len(), "{path} {tag}");
        // Private elements have no VR in the implicit form, so that their bytes are no text any more.
        if tag.group() % 2 == 1 {
            continue;
        }
        assert_eq!(element::text(one, tag), element::text(other, tag), "{path} {tag}");
    }
}

const CHANGED: [Tag; 5] = [
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::PLANAR_CONFIGURATION,
    tags::LOSSY_IMAGE_COMPRESSION,
    tags::LOSSY_IMAGE_COMPRESSION_METHOD,
    tags::LOSSY_IMAGE_COMPRESSION_RATIO,
];

const DECODED: [&str; 27] = [
    "dicom/images/CT_small.dcm",
    "dicom/images/JPEG2000.dcm",
    "dicom/images/JPGExtended.dcm",
    "dicom/images/MR_small_RLE.dcm",
    "dicom/images/MR_small_bigendian.dcm",
    "dicom/images/MR_small_implicit.dcm",
    "dicom/images/MR_small_jp2klossless.dcm",
    "dicom/images/MR_small_padded.dcm",
    "dicom/images/SC_rgb_expb.dcm",
    "dicom/images/SC_rgb_jpeg_dcmtk.dcm",
    "dicom/images/SC_rgb_jpeg_gdcm.dcm",
    "dicom/images/SC_rgb_rle_2frame.dcm",
    "dicom/images/SC_ybr_full_422_uncompressed.dcm",
    "dicom/images/emri_small_RLE.dcm",
    "dicom/images/examples_overlay.dcm",
    "dicom/images/examples_ybr_color.dcm",
    "dicom/images/liver_1frame.dcm",
    "dicom/images/liver_deflate.dcm",
    "dicom/rt/rtdose.dcm",
    "pixels/big_endian_signed.dcm",
    "pixels/bits.dcm",
    "pixels/fragments_without_table.dcm",
    "pixels/fragments_with_extended_table.dcm",
    "pixels/jpeg_2000_colour.dcm",
    "pixels/jpeg_lossless_predictors.dcm",
    "pixels/planes.dcm",
    "pixels/rle_colour_16.dcm",
];

#[test]
fn frames_and_attributes_are_the_same_in_explicit_little_endian() {
    for path in DECODED {
        let (stored, made) = (Stored::open(path), explicit(path));
        assert_eq!(made.decoded().unwrap(), stored.decoded().unwrap(), "{path}");
        assert_same(&stored.data_set, &made.data_set, &CHANGED, path);
    }
}

#[test]
fn lossless_compression_holds_the_same_frames() {
    let targets = [TargetSyntax::RleLossless, TargetSyntax::JpegLsLossless];
    for (path, target) in DECODED.into_iter().flat_map(|path| targets.map(|target| (path, target))) {
        let stored = Stored::open(path);
        let before = stored.decoded().unwrap();
        let out = match transcoded(&stored.bytes, target, TargetForm::Part10, 700) {
            Ok(out) => out,
            Err(error) if error.is_unsupported() && path == "pixels/bits.dcm" => continue,
            // JPEG-LS has 2 to 16 bits.
            Err(error) if error.is_unsupported() && !matches!(before[0].image.bits_allocated, 8 | 16) => continue,
            Err(error) => panic!("{path}: {error}"),
        };
        let made = Stored::of(out).unwrap();
        assert_eq!(made.transfer_syntax_uid, target.uid(), "{path}");
        let after = made.decoded().unwrap();
        let is_rearranged =
            before.iter().any(|frame| frame.image.is_planar || frame.image.photometric == Photometric::YbrFull422);
        if is_rearranged {
            assert_eq!(before.len(), after.len(), "{path}");
        } else {
            assert_eq!(before, after, "{path}");
        }
    }
}

#[test]
fn jpeg_says_what_it_loses() {
    for path in ["dicom/images/SC_rgb_2frame.dcm", "dicom/images/image_dfl.dcm", "pixels/planes.dcm"] {
        let stored = Stored::open(path);
        let target = TargetSyntax::JpegBaseline { quality: 95 };
        let made = Stored::of(transcoded(&stored.bytes, target, TargetForm::Part10, 4096).unwrap()).unwrap();
        let text = |tag| element::text(&made.data_set, tag);
        assert_eq!(text(tags::LOSSY_IMAGE_COMPRESSION).as_deref(), Some("01"), "{path}");
        assert_eq!(text(tags::LOSSY_IMAGE_COMPRESSION_METHOD).as_deref(), Some("ISO_10918_1"), "{path}");
        let ratio: f64 = text(tags::LOSSY_IMAGE_COMPRESSION_RATIO).unwrap().parse().unwrap();
        assert!(ratio > 1.0, "{path}");
        for (before, after) in stored.decoded().unwrap().iter().zip(made.decoded().unwrap()) {
            let rgb = |frame: &crate::dicom::pixel::DecodedFrame| {
                crate::dicom::pixel::render::color::by_pixel(&frame.image, &frame.bytes).into_owned()
            };
            let (one, other) = (rgb(before), rgb(&after));
            let sum: u64 = one.iter().zip(&other).map(|(one, other)| u64::from(one.abs_diff(*other))).sum();
            assert!(sum < 6 * one.len() as u64, "{path}");
        }
    }
    let stored = Stored::open("dicom/images/CT_small.dcm");
    let target = TargetSyntax::JpegBaseline { quality: 95 };
    let refused = transcoded(&stored.bytes, target, TargetForm::Part10, 4096);
    assert!(refused.is_err_and(|error| error.is_unsupported()));
}

#[test]
fn a_lossy_source_stays_marked() {
    let made = explicit("dicom/images/JPGExtended.dcm");
    assert_eq!(element::text(&made.data_set, tags::LOSSY_IMAGE_COMPRESSION).as_deref(), Some("01"));
    let made = explicit("dicom/images/SC_rgb_jpeg_dcmtk.dcm");
    assert_eq!(element::text(&made.data_set, tags::PHOTOMETRIC_INTERPRETATION).as_deref(), Some("RGB"));
}

#[test]
fn what_has_no_decoder_is_said_before_anything_comes_out() {
    let mut transcoder =
        Transcoder::new(TargetSyntax::ExplicitVrLittleEndian, TargetForm::Part10, TranscodeLimits::default());
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/dicom/images/video_h264.dcm")).unwrap();
    assert!(transcoder.push(&bytes).is_err_and(|error| error.is_unsupported()));
    assert!(transcoder.take().is_empty());
}

#[test]
fn documents_and_waveforms_have_no_pixels_and_are_converted() {
    for path in ["dicom/rt/rtplan.dcm", "dicom/sr/test-SR.dcm", "dicom/images/waveform_ecg.dcm"] {
        let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/").to_owned() + path).unwrap();
        let limits = ReadLimits::default();
        let before = part10::read(&bytes, &limits).unwrap().content.data_set;
        for target in [TargetSyntax::ExplicitVrLittleEndian, TargetSyntax::ImplicitVrLittleEndian] {
            let out = transcoded(&bytes, target, TargetForm::Part10, 333).unwrap();
            let read = part10::read(&out, &limits).unwrap();
            assert_eq!(read.transfer_syntax.uid(), target.uid(), "{path}");
            assert_same(&before, &read.content.data_set, &[], path);
        }
    }
}

#[test]
fn there_and_back_is_the_same_data_set() {
    for path in ["dicom/images/CT_small.dcm", "dicom/images/emri_small.dcm", "dicom/sr/tid1500_comprehensive3d.dcm"] {
        let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/").to_owned() + path).unwrap();
        let explicit = TargetSyntax::ExplicitVrLittleEndian;
        let there = transcoded(&bytes, TargetSyntax::ImplicitVrLittleEndian, TargetForm::Part10, 5000).unwrap();
        let once = transcoded(&bytes, explicit, TargetForm::DataSet, 77).unwrap();
        let back = transcoded(&there, explicit, TargetForm::DataSet, 777).unwrap();
        let read = |bytes: &[u8]| {
            let syntax = TransferSyntax::ExplicitVrLittleEndian;
            part10::read_data_set(bytes, syntax, &ReadLimits::default()).unwrap().data_set
        };
        assert_same(&read(&once), &read(&back), &[], path);
        let again = transcoded(&bytes, explicit, TargetForm::Part10, 4096).unwrap();
        assert_eq!(once, transcoded(&again, explicit, TargetForm::DataSet, 9).unwrap(), "{path}");
    }
}

#[test]
fn files_that_end_too_early_are_errors() {
    for path in ["dicom/images/MR_small_implicit.dcm", "pixels/fragments_with_table.dcm", "dicom/images/image_dfl.dcm"]
    {
        let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/").to_owned() + path).unwrap();
        for end in (0..bytes.len() - 1).step_by(211) {
            let cut = bytes.get(..end).unwrap();
            let made = transcoded(cut, TargetSyntax::ExplicitVrLittleEndian, TargetForm::Part10, 999);
            // Between two elements in front of pixel data a data set may end.
            if let Ok(made) = made {
                assert!(made.len() < bytes.len(), "{path} cut at {end}");
            }
        }
    }
    assert_eq!(transcodes_nothing(b""), Err(TranscodeError::NotDicom));
}

fn transcodes_nothing(bytes: &[u8]) -> Result<Vec<u8>, TranscodeError> {
    transcoded(bytes, TargetSyntax::ExplicitVrLittleEndian, TargetForm::Part10, 1)
}

#[test]
fn what_is_ready_comes_out_before_the_end() {
    let stored = Stored::open("dicom/images/examples_ybr_color.dcm");
    assert_eq!(PixelEncoding::of_transfer_syntax(&stored.transfer_syntax_uid), Some(PixelEncoding::Jpeg));
    let target = TargetSyntax::ExplicitVrLittleEndian;
    let mut transcoder = Transcoder::new(target, TargetForm::Part10, TranscodeLimits::default());
    let mut most = 0;
    for piece in stored.bytes.chunks(16 << 10) {
        transcoder.push(piece).unwrap();
        most = most.max(transcoder.take().len());
    }
    // Some frames of 230,400 bytes at a time, of 30.
    assert!(most > 0 && most < 1_200_000, "{most}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn changed_headers_never_panic(
        which in 0..DECODED.len(), changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..5),
        piece in 1_usize..5000,
    ) {
        let path = DECODED.get(which).unwrap();
        let mut bytes = Stored::open(path).bytes;
        let length = bytes.len().min(6000) - 132;
        for (at, byte) in changes {
            bytes[132 + at % length] = byte;
        }
        for target in [TargetSyntax::ExplicitVrLittleEndian, TargetSyntax::RleLossless, TargetSyntax::JpegLsLossless] {
            let _ = transcoded(&bytes, target, TargetForm::Part10, piece);
        }
    }
}
