use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;

use super::super::element::DataSet;
use super::super::header::{HeaderLimits, MetaReader, Scanner};
use super::super::part10::ReadLimits;
use super::super::transcode::{TargetForm, TargetSyntax, TranscodeLimits, Transcoder, read_header};
use super::*;
use crate::base::Sha256;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// A file with its parts.
pub(in super::super) struct Stored {
    pub(in super::super) transfer_syntax_uid: String,
    pub(in super::super) data_set: DataSet,
    pub(in super::super) bytes: Vec<u8>,
    pixel_data_offset: u64,
}

impl Stored {
    pub(in super::super) fn open(path: &str) -> Self {
        Self::of(std::fs::read(fixtures().join(path)).unwrap()).unwrap_or_else(|| panic!("{path} is no image"))
    }

    pub(in super::super) fn of(bytes: Vec<u8>) -> Option<Self> {
        let (meta, data_set) = MetaReader::default().write(&bytes).ok()??;
        let uid = meta.transfer_syntax_uid?;
        if uid == "1.2.840.10008.1.2.1.99" {
            let form = TargetForm::Part10;
            let target = TargetSyntax::ExplicitVrLittleEndian;
            let mut transcoder = Transcoder::new(target, form, TranscodeLimits::default());
            transcoder.push(&bytes).ok()?;
            return Self::of(transcoder.finish().ok()?);
        }
        let mut scanner = Scanner::new(&uid, &HeaderLimits::default()).ok()?;
        scanner.write(&data_set).ok()?;
        let offset = scanner.finish().ok()?.pixel_data_offset?;
        let header = data_set.get(..usize::try_from(offset).ok()?)?;
        let begin = bytes.len() - data_set.len();
        Some(Self {
            data_set: read_header(&uid, header, &ReadLimits::default()).ok()?,
            transfer_syntax_uid: uid,
            pixel_data_offset: offset + begin as u64,
            bytes,
        })
    }

    fn indexer(&self) -> Result<FrameIndexer, PixelError> {
        let image = Image::of(&self.data_set)?;
        let (uid, length) = (&self.transfer_syntax_uid, self.bytes.len() as u64);
        FrameIndexer::new(&image, uid, &self.data_set, self.pixel_data_offset, length, PixelLimits::default())
    }

    fn index(&self) -> Result<FrameIndex, PixelError> {
        let mut indexer = self.indexer()?;
        while let Some(range) = indexer.wants() {
            indexer.take(self.part(&range))?;
        }
        indexer.finish()
    }

    fn part(&self, range: &std::ops::Range<u64>) -> &[u8] {
        let at = |offset| usize::try_from(offset).unwrap();
        self.bytes.get(at(range.start)..at(range.end)).unwrap_or_default()
    }

    /// All frames, decoded.
    pub(in super::super) fn decoded(&self) -> Result<Vec<DecodedFrame>, PixelError> {
        let index = self.index()?;
        let image = *index.image();
        (1..=u64::from(image.number_of_frames))
            .map(|number| {
                let place = index.frame(number)?;
                let frame = place.frame(self.part(&place.range))?;
                decode(&image, &self.transfer_syntax_uid, &frame, &PixelLimits::default())
            })
            .collect()
    }
}

/// Samples pixel by pixel, colours as RGB, in their own depth.
fn as_expected(frame: &DecodedFrame) -> Vec<u8> {
    let image = &frame.image;
    match image.photometric {
        Photometric::YbrFull | Photometric::YbrFull422 => render::color::rgb(image, &frame.bytes).unwrap().into_owned(),
        _ => render::color::by_pixel(image, &frame.bytes).into_owned(),
    }
}

fn expected() -> BTreeMap<String, Value> {
    serde_json::from_slice(&std::fs::read(fixtures().join("pixels/expected.json")).unwrap()).unwrap()
}

/// Greatest difference of the samples that pydicom's are known of.
fn difference(expected: &Value, frame: &[u8], width: usize) -> i64 {
    let step = usize::try_from(expected["step"].as_u64().unwrap()).unwrap();
    let values = expected["last"].as_array().unwrap();
    let samples = frame.chunks_exact(width).step_by(step).map(|sample| match sample {
        [one] => i64::from(*one),
        [low, high] => i64::from(u16::from_le_bytes([*low, *high])),
        _ => panic!("samples of {width} bytes"),
    });
    let differences: Vec<i64> =
        samples.zip(values).map(|(ours, theirs)| (ours - (theirs.as_i64().unwrap() & 0xffff)).abs()).collect();
    assert_eq!(differences.len(), values.len());
    differences.into_iter().max().unwrap_or_default()
}

#[test]
fn frames_are_those_that_pydicom_decodes() {
    let mut wrong = Vec::new();
    for (path, expected) in expected() {
        let decoded = Stored::open(&path).decoded();
        let is_without_decoder = !decodes(&Stored::open(&path).transfer_syntax_uid);
        if is_without_decoder {
            assert!(decoded.is_err_and(|error| error.is_unsupported()), "{path}");
            continue;
        }
        let frames = match decoded {
            Ok(frames) => frames,
            Err(error) => {
                wrong.push(format!("{path}: {error}"));
                continue;
            }
        };
        assert_eq!(frames.len() as u64, expected["frames"].as_u64().unwrap(), "{path}");
        if let Some(digests) = expected["sha256"].as_array() {
            let ours: Vec<String> = frames.iter().map(|frame| Sha256::of(&as_expected(frame)).to_hex()).collect();
            if ours.iter().zip(digests).any(|(ours, theirs)| ours != theirs.as_str().unwrap()) {
                wrong.push(format!("{path}: other samples"));
            }
        } else {
            let last = frames.last().unwrap();
            let most = difference(&expected, &as_expected(last), last.image.sample_bytes());
            let tolerance = expected["tolerance"].as_i64().unwrap();
            if most > tolerance {
                wrong.push(format!("{path}: differs by up to {most}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_index_asks_for_little() {
    let stored = Stored::open("dicom/images/examples_ybr_color.dcm");
    let mut indexer = stored.indexer().unwrap();
    let mut read = 0;
    while let Some(range) = indexer.wants() {
        read += range.end - range.start;
        indexer.take(stored.part(&range)).unwrap();
    }
    let index = indexer.finish().unwrap();
    assert_eq!(index.image().number_of_frames, 30);
    assert!(read < stored.bytes.len() as u64 / 2, "{read} bytes of {}", stored.bytes.len());
    assert_eq!(index.frame(0), Err(PixelError::NoSuchFrame { number: 0, frames: 30 }));
    assert_eq!(index.frame(31), Err(PixelError::NoSuchFrame { number: 31, frames: 30 }));
}

#[test]
fn frames_are_found_with_every_kind_of_table_and_without() {
    let with = Stored::open("pixels/fragments_with_table.dcm").decoded().unwrap();
    assert_eq!(with.len(), 3);
    for other in ["pixels/fragments_without_table.dcm", "pixels/fragments_with_extended_table.dcm"] {
        assert_eq!(Stored::open(other).decoded().unwrap(), with, "{other}");
    }
}

#[test]
fn a_delimiter_within_a_fragment_is_no_delimiter() {
    let stored = Stored::open("dicom/broken/JPEG2000-embedded-sequence-delimiter.dcm");
    let index = stored.index().unwrap();
    let place = index.frame(1).unwrap();
    let frame = place.frame(stored.part(&place.range)).unwrap();
    assert!(frame.windows(4).any(|bytes| bytes == [0xfe, 0xff, 0xdd, 0xe0]));
}

#[test]
fn video_is_one_stream() {
    let stored = Stored::open("dicom/images/video_h264.dcm");
    let index = stored.index().unwrap();
    let place = index.frame(1).unwrap();
    assert!(!place.frame(stored.part(&place.range)).unwrap().is_empty());
    assert!(matches!(index.frame(2), Err(PixelError::NoSuchFrame { number: 2, frames: 1 })));
    assert!(stored.decoded().is_err_and(|error| error.is_unsupported() || error.is_absent()));
}

#[test]
fn frames_that_are_not_whole_are_truncated() {
    let mut bytes = Stored::open("dicom/images/emri_small.dcm").bytes;
    let whole = Stored::of(bytes.clone()).unwrap();
    bytes.truncate(bytes.len() - 5000);
    let cut = Stored { bytes, ..Stored::of(whole.bytes.clone()).unwrap() };
    let index = cut.index().unwrap();
    assert!(index.frame(1).is_ok());
    assert_eq!(index.frame(10), Err(PixelError::Truncated));
}

#[test]
fn every_image_is_shown() {
    for path in expected().keys() {
        let stored = Stored::open(path);
        let Ok(frames) = stored.decoded() else { continue };
        let frame = frames.first().unwrap();
        let presentation = render::Presentation::of(&stored.data_set, &frame.image, 1);
        let viewport = render::Viewport { width: Some(64), height: Some(64), source: None };
        let request =
            render::RenderRequest { viewport: Some(viewport), with_overlays: true, ..render::RenderRequest::default() };
        let picture = render::render(frame, &presentation, &request).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(picture.width == 64 || picture.height == 64, "{path}");
        for file in [render::PictureFile::Jpeg { quality: 80 }, render::PictureFile::Png, render::PictureFile::Gif] {
            assert!(!file.write(&picture).unwrap().is_empty(), "{path}");
        }
    }
}

const COMPRESSED: [&str; 15] = [
    "dicom/images/JPEG2000.dcm",
    "dicom/images/JPGExtended.dcm",
    "dicom/images/MR_small_RLE.dcm",
    "dicom/images/SC_rgb_jpeg_dcmtk.dcm",
    "dicom/images/SC_rgb_jpeg_gdcm.dcm",
    "dicom/images/liver_deflate.dcm",
    "pixels/fragments_with_table.dcm",
    "pixels/fragments_without_table.dcm",
    "pixels/fragments_with_extended_table.dcm",
    "pixels/jpeg_lossless_predictors.dcm",
    "pixels/jpeg_ls_12.dcm",
    "pixels/jpeg_ls_colour.dcm",
    "pixels/jpeg_ls_near_colour.dcm",
    "pixels/jpeg_xl_12.dcm",
    "pixels/jpeg_xl_colour.dcm",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn changed_files_never_panic(
        which in 0..COMPRESSED.len(), changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<usize>()),
    ) {
        let path = COMPRESSED.get(which).unwrap();
        let stored = Stored::open(path);
        let begin = usize::try_from(stored.pixel_data_offset).unwrap();
        let mut bytes = stored.bytes;
        let length = bytes.len() - begin;
        for (at, byte) in changes {
            bytes[begin + at % length] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(begin + cut % length);
        }
        let changed = Stored { bytes, ..Stored::open(path) };
        let _ = changed.decoded();
        let mut transcoder =
            Transcoder::new(TargetSyntax::ExplicitVrLittleEndian, TargetForm::DataSet, TranscodeLimits::default());
        let _ = transcoder.push(&changed.bytes).and_then(|()| transcoder.finish());
    }
}
