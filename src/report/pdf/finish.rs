//! From printpdf's document to PDF/A-3b (ISO 19005-3): fonts, output intent, metadata, attachments,
//! outline and identifiers, written with lopdf. Nothing in the file depends on when or where it is made.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, StringFormat, dictionary};

use crate::base::Sha256;

use super::embed::add_font;
use super::flow::Mark;
use super::glyphs::GlyphSet;
use super::icc::srgb;
use super::sheet::utf16;
use super::xmp::{Metadata, PRODUCER};
use super::{Embedded, PdfError};

/// Makes the file.
pub(super) fn finish(
    mut document: Document,
    glyphs: &GlyphSet,
    metadata: &Metadata,
    marks: &[Mark],
    embedded: &[Embedded<'_>],
) -> Result<Vec<u8>, PdfError> {
    "1.7".clone_into(&mut document.version);
    add_fonts(&mut document, glyphs)?;
    let intent = add_output_intent(&mut document);
    let packet = metadata.packet().into_bytes();
    let packet = Stream::new(dictionary! { "Type" => "Metadata", "Subtype" => "XML" }, packet).with_compression(false);
    let packet = document.add_object(packet);
    let outline = add_outline(&mut document, marks);
    let files = add_files(&mut document, metadata, embedded)?;
    let language = text(&metadata.language);
    let catalog = document.catalog_mut()?;
    catalog.set("OutputIntents", vec![Object::Reference(intent)]);
    catalog.set("Metadata", packet);
    catalog.set("Lang", language);
    catalog.set("ViewerPreferences", dictionary! { "DisplayDocTitle" => true });
    if let Some(outline) = outline {
        catalog.set("Outlines", outline);
        catalog.set("PageMode", "UseOutlines");
    }
    if !files.is_empty() {
        let references = files.iter().map(|(_, id)| Object::Reference(*id)).collect::<Vec<_>>();
        // A name tree is sorted by name. ISO 32000-1 §7.9.6.
        let names = files.iter().flat_map(|(name, id)| [name.clone(), Object::Reference(*id)]).collect::<Vec<_>>();
        catalog.set("AF", references);
        catalog.set("Names", dictionary! { "EmbeddedFiles" => dictionary! { "Names" => names } });
    }
    replace_info(&mut document, metadata)?;
    compress(&mut document);
    set_identifier(&mut document, metadata);
    let mut out = Vec::new();
    document.save_to(&mut out).map_err(lopdf::Error::from)?;
    out.push(b'\n');
    Ok(out)
}

/// Compresses what gains by it.
fn compress(document: &mut Document) {
    for stream in document.objects.values_mut().filter_map(|object| object.as_stream_mut().ok()) {
        stream.allows_compression &= stream.content.len() >= LEAST_COMPRESSED;
    }
    document.compress();
}

/// Shorter streams, in bytes, gain less than it costs.
const LEAST_COMPRESSED: usize = 600;

/// Puts the fonts where the pages, which all share one dictionary, look for them.
fn add_fonts(document: &mut Document, glyphs: &GlyphSet) -> Result<(), PdfError> {
    let mut fonts = Dictionary::new();
    for (id, used) in glyphs.faces() {
        let font = add_font(document, id, used)?;
        fonts.set(id.resource_name(), font);
    }
    let pages: Vec<ObjectId> = document.page_iter().collect();
    let fonts = document.add_object(fonts);
    for page in pages {
        let resources = document.get_dictionary(page)?.get(b"Resources")?.as_reference()?;
        document.get_dictionary_mut(resources)?.set("Font", fonts);
    }
    Ok(())
}

/// ISO 19005-3 §6.2.3.
fn add_output_intent(document: &mut Document) -> ObjectId {
    let profile = document.add_object(Stream::new(dictionary! { "N" => 3 }, srgb()));
    document.add_object(dictionary! {
        "Type" => "OutputIntent",
        "S" => "GTS_PDFA1",
        "OutputConditionIdentifier" => Object::string_literal("sRGB IEC61966-2.1"),
        "RegistryName" => Object::string_literal("http://www.color.org"),
        "Info" => Object::string_literal("sRGB IEC61966-2.1"),
        "DestOutputProfile" => profile,
    })
}

/// One level of headings. ISO 32000-1 §12.3.3.
fn add_outline(document: &mut Document, marks: &[Mark]) -> Option<ObjectId> {
    let pages: Vec<ObjectId> = document.page_iter().collect();
    let placed: Vec<(&Mark, ObjectId)> = marks.iter().filter_map(|mark| Some((mark, *pages.get(mark.page)?))).collect();
    if placed.is_empty() {
        return None;
    }
    let root = document.new_object_id();
    let ids: Vec<ObjectId> = placed.iter().map(|_| document.new_object_id()).collect();
    for (index, ((mark, page), id)) in placed.iter().zip(&ids).enumerate() {
        let destination =
            vec![Object::Reference(*page), "XYZ".into(), Object::Null, Object::Real(mark.height), Object::Null];
        let mut item = dictionary! { "Title" => text(&mark.title), "Parent" => root, "Dest" => destination };
        if let Some(previous) = index.checked_sub(1).and_then(|index| ids.get(index)) {
            item.set("Prev", *previous);
        }
        if let Some(next) = ids.get(index + 1) {
            item.set("Next", *next);
        }
        document.objects.insert(*id, item.into());
    }
    let mut outline = dictionary! { "Type" => "Outlines", "Count" => i64::try_from(ids.len()).unwrap_or(i64::MAX) };
    if let (Some(first), Some(last)) = (ids.first(), ids.last()) {
        outline.set("First", *first);
        outline.set("Last", *last);
    }
    document.objects.insert(root, outline.into());
    Some(root)
}

/// Attached files, sorted by name, with their names as the tree holds them. ISO 19005-3 §6.8.
fn add_files(
    document: &mut Document,
    metadata: &Metadata,
    embedded: &[Embedded<'_>],
) -> Result<Vec<(Object, ObjectId)>, PdfError> {
    let mut sorted: Vec<&Embedded<'_>> = embedded.iter().collect();
    sorted.sort_by_key(|file| utf16(file.name));
    let mut names = BTreeSet::new();
    let mut out = Vec::new();
    for file in sorted {
        if !names.insert(file.name) {
            return Err(PdfError::DuplicateAttachment(file.name.to_owned()));
        }
        let size = i64::try_from(file.bytes.len()).unwrap_or(i64::MAX);
        let date = Object::string_literal(metadata.pdf_date());
        let stream = dictionary! {
            "Type" => "EmbeddedFile",
            "Subtype" => Object::Name(file.media_type.as_bytes().to_vec()),
            "Params" => dictionary! { "Size" => size, "CreationDate" => date.clone(), "ModDate" => date },
        };
        let stream = document.add_object(Stream::new(stream, file.bytes.to_vec()));
        let specification = document.add_object(dictionary! {
            "Type" => "Filespec",
            "F" => text(file.name),
            "UF" => text(file.name),
            "Desc" => text(file.description),
            "AFRelationship" => file.relationship.as_str(),
            "EF" => dictionary! { "F" => stream, "UF" => stream },
        });
        out.push((text(file.name), specification));
    }
    Ok(out)
}

/// The information dictionary says what the metadata packet says, and nothing more. ISO 19005-3 §6.6.
fn replace_info(document: &mut Document, metadata: &Metadata) -> Result<(), PdfError> {
    let id = document.trailer.get(b"Info")?.as_reference()?;
    let date = Object::string_literal(metadata.pdf_date());
    let info = dictionary! {
        "Title" => text(&metadata.title),
        "Author" => text(&metadata.author),
        "Creator" => text(PRODUCER),
        "Producer" => text(PRODUCER),
        "CreationDate" => date.clone(),
        "ModDate" => date,
    };
    document.objects.insert(id, info.into());
    Ok(())
}

/// The first part of the file's identifier is the same for all versions of a report, the second belongs
/// to this one. ISO 32000-1 §14.4.
fn set_identifier(document: &mut Document, metadata: &Metadata) {
    let part = |text: &str| {
        let digest = Sha256::of(text.as_bytes());
        let bytes = digest.as_bytes().iter().take(16).copied().collect();
        Object::String(bytes, StringFormat::Hexadecimal)
    };
    let instance = format!("{} {}", metadata.instance, metadata.identifier);
    document.trailer.set("ID", vec![part(&metadata.document), part(&instance)]);
}

/// A text string: as it is if it is ASCII, else UTF-16.
fn text(value: &str) -> Object {
    if value.is_ascii() {
        Object::string_literal(value)
    } else {
        Object::String(utf16(value), StringFormat::Hexadecimal)
    }
}
