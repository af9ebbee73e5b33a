//! Font objects: a Type 0 font over a CIDFontType2 with the glyphs in use, its widths, and the text of
//! each code (ISO 32000-1 §9.7, ISO 19005-3 §6.2.11).

use std::collections::BTreeMap;

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, dictionary};
use printpdf::ToUnicodeCMap;

use crate::base::Blake3;

use super::PdfError;
use super::fonts::{Face, FaceId};
use super::glyphs::UsedFace;

/// Writes a font and says where it is.
pub(super) fn add_font(document: &mut Document, id: FaceId, used: &UsedFace) -> Result<ObjectId, PdfError> {
    let face = id.face()?;
    let program = used.program(id)?;
    let base_font = format!("{}+{}", subset_tag(&program), face.name);
    let descriptor = add_descriptor(document, face, &base_font, program);
    let widths = used.entries.iter().map(|entry| Object::Integer(face.width(entry.glyph))).collect();
    let subset_numbers: Vec<u8> =
        std::iter::once(0).chain(used.entries.iter().map(|entry| entry.subset)).flat_map(u16::to_be_bytes).collect();
    let numbers = document.add_object(Stream::new(Dictionary::new(), subset_numbers));
    let descendant = document.add_object(dictionary! {
        "Type" => "Font",
        "Subtype" => "CIDFontType2",
        "BaseFont" => Object::Name(base_font.clone().into_bytes()),
        "CIDSystemInfo" => dictionary! {
            "Registry" => Object::string_literal("Adobe"),
            "Ordering" => Object::string_literal("Identity"),
            "Supplement" => 0,
        },
        "FontDescriptor" => descriptor,
        "DW" => face.width(0),
        "W" => vec![Object::Integer(1), Object::Array(widths)],
        "CIDToGIDMap" => numbers,
    });
    let to_unicode = document.add_object(Stream::new(Dictionary::new(), to_unicode(used, face.name).into_bytes()));
    Ok(document.add_object(dictionary! {
        "Type" => "Font",
        "Subtype" => "Type0",
        "BaseFont" => Object::Name(base_font.into_bytes()),
        "Encoding" => "Identity-H",
        "DescendantFonts" => vec![Object::Reference(descendant)],
        "ToUnicode" => to_unicode,
    }))
}

fn add_descriptor(document: &mut Document, face: &Face, base_font: &str, program: Vec<u8>) -> ObjectId {
    let scaled = |units: i16| Object::Integer(rounded(f32::from(units) * face.scale));
    let shaper = &face.shaper;
    let bounds = shaper.global_bounding_box();
    let length = i64::try_from(program.len()).unwrap_or(i64::MAX);
    let file = document.add_object(Stream::new(dictionary! { "Length1" => length }, program));
    document.add_object(dictionary! {
        "Type" => "FontDescriptor",
        "FontName" => Object::Name(base_font.as_bytes().to_vec()),
        // Symbolic: the codes are our own.
        "Flags" => 4,
        "FontBBox" => vec![scaled(bounds.x_min), scaled(bounds.y_min), scaled(bounds.x_max), scaled(bounds.y_max)],
        "ItalicAngle" => 0,
        "Ascent" => scaled(shaper.ascender()),
        "Descent" => scaled(shaper.descender()),
        "CapHeight" => scaled(shaper.capital_height().unwrap_or_else(|| shaper.ascender())),
        "StemV" => if shaper.is_bold() { 140 } else { 85 },
        "FontFile2" => file,
    })
}

fn to_unicode(used: &UsedFace, name: &str) -> String {
    let mappings: BTreeMap<u32, Vec<u32>> =
        (1..).zip(&used.entries).map(|(code, entry)| (code, entry.text.chars().map(u32::from).collect())).collect();
    ToUnicodeCMap { mappings }.to_cmap_string(name)
}

/// Six capitals that differ between different subsets and are always the same for the same one.
/// ISO 32000-1 §9.6.4.
fn subset_tag(program: &[u8]) -> String {
    let digest = Blake3::of(program);
    digest.as_bytes().iter().take(6).map(|byte| char::from(b'A' + byte % 26)).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "metrics of a font are a few thousandths of an em")]
fn rounded(value: f32) -> i64 {
    value.round() as i64
}
