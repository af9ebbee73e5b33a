use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::super::super::element::{DataSet, put_text, put_value};
use super::super::{Image, SampleKind};
use super::*;

fn image(bits: u16, stored: u16, kind: SampleKind, columns: u16) -> Image {
    Image {
        rows: 1,
        columns,
        samples_per_pixel: 1,
        photometric: Photometric::Monochrome2,
        is_planar: false,
        bits_allocated: bits,
        bits_stored: stored,
        high_bit: stored - 1,
        kind,
        number_of_frames: 1,
    }
}

fn shown(image: Image, set: &DataSet, bytes: &[u8], window: Option<Window>) -> Vec<u8> {
    let frame = DecodedFrame { image, bytes: bytes.to_vec() };
    let presentation = Presentation::of(set, &image, 1);
    render(&frame, &presentation, &RenderRequest { window, ..RenderRequest::default() }).unwrap().bytes
}

fn words(values: &[i16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn a_ct_is_shown_in_hounsfield_units() {
    let mut set = DataSet::new_empty();
    put_text(&mut set, tags::RESCALE_SLOPE, VR::DS, "1");
    put_text(&mut set, tags::RESCALE_INTERCEPT, VR::DS, "-1024");
    put_text(&mut set, tags::WINDOW_CENTER, VR::DS, "40\\-600");
    put_text(&mut set, tags::WINDOW_WIDTH, VR::DS, "400\\1500");
    let image = image(16, 12, SampleKind::Unsigned, 3);
    // -200 and below is black, 240 and above is white, -10 is ((-10 - 39.5) / 399 + 0.5) * 255 = 96.
    assert_eq!(shown(image, &set, &words(&[824, 1014, 1264]), None), [0, 96, 255]);
    let exact = Window::new(0.0, 100.0, VoiFunction::LinearExact);
    assert_eq!(shown(image, &set, &words(&[974, 1024, 1074]), exact), [0, 128, 255]);
}

#[test]
fn bits_that_are_not_stored_do_not_count() {
    let mut set = DataSet::new_empty();
    put_text(&mut set, tags::WINDOW_CENTER, VR::DS, "0");
    put_text(&mut set, tags::WINDOW_WIDTH, VR::DS, "4096");
    put_text(&mut set, tags::VOILUT_FUNCTION, VR::CS, "LINEAR_EXACT");
    let image = image(16, 12, SampleKind::Signed, 3);
    // The upper four bits of each word are filled with something else.
    let bytes = [0x00, 0xa8, 0x00, 0x50, 0xff, 0xf7];
    assert_eq!(shown(image, &set, &bytes, None), [0, 128, 255]);
}

#[test]
fn without_a_window_the_frame_says_what_is_black_and_white() {
    let mut set = DataSet::new_empty();
    put_value(&mut set, tags::PIXEL_PADDING_VALUE, VR::SS, -2000_i16);
    let image = image(16, 16, SampleKind::Signed, 4);
    assert_eq!(shown(image, &set, &words(&[-2000, -100, 0, 100]), None), [0, 0, 128, 255]);
}

#[test]
fn eight_bits_without_a_window_stay_as_they_are() {
    let plain = image(8, 8, SampleKind::Unsigned, 3);
    assert_eq!(shown(plain, &DataSet::new_empty(), &[0, 77, 200], None), [0, 77, 200]);
    let inverse = Image { photometric: Photometric::Monochrome1, ..plain };
    assert_eq!(shown(inverse, &DataSet::new_empty(), &[0, 77, 200], None), [255, 178, 55]);
}

#[test]
fn single_bits_are_black_and_white() {
    let bits = image(1, 1, SampleKind::Unsigned, 10);
    let expected = [255, 0, 255, 0, 0, 0, 0, 0, 0, 255];
    assert_eq!(shown(bits, &DataSet::new_empty(), &[0b101, 0b10], None), expected);
}

#[test]
fn floats_are_shown_between_their_extremes() {
    let floats = image(32, 32, SampleKind::Float, 3);
    let bytes: Vec<u8> = [-1.0_f32, 0.0, 1.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(shown(floats, &DataSet::new_empty(), &bytes, None), [0, 128, 255]);
}

#[test]
fn a_viewport_keeps_proportions_and_flips() {
    let picture = Picture { width: 4, height: 2, samples: 1, bytes: vec![1, 2, 3, 4, 5, 6, 7, 8] };
    let all = Viewport { width: Some(100), height: Some(10), source: None };
    let fitted = all.show(picture.clone()).unwrap();
    assert_eq!((fitted.width, fitted.height), (20, 10));
    let source = SourceRegion { x: 1.0, y: 0.0, width: Some(-2.0), height: None };
    let flipped = Viewport { width: None, height: None, source: Some(source) };
    assert_eq!(flipped.show(picture.clone()).unwrap().bytes, [3, 2, 7, 6]);
    let outside = SourceRegion { x: 9.0, y: 0.0, width: Some(2.0), height: None };
    assert!(Viewport { source: Some(outside), ..Viewport::default() }.show(picture.clone()).is_err());
    let huge = Viewport { width: Some(u32::MAX), height: Some(u32::MAX), source: None };
    assert!(matches!(huge.show(picture), Err(PixelError::TooLarge { .. })));
}

#[test]
fn pictures_become_files() {
    let grey: Vec<u8> = (0..=255).collect();
    let picture = Picture { width: 16, height: 16, samples: 1, bytes: grey.clone() };
    for file in [PictureFile::Jpeg { quality: 90 }, PictureFile::Png, PictureFile::Gif] {
        let read = ::image::load_from_memory(&file.write(&picture).unwrap()).unwrap().to_luma8();
        assert_eq!(read.dimensions(), (16, 16));
        let most = if matches!(file, PictureFile::Jpeg { .. }) { 12 } else { 0 };
        assert!(read.iter().zip(&grey).all(|(one, other)| one.abs_diff(*other) <= most), "{file:?}");
    }
    let frames = (0..3).map(|_| Ok::<_, PixelError>(picture.clone()));
    assert!(animate(frames, 40).unwrap().starts_with(b"GIF89a"));
}
