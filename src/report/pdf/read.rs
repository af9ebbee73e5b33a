//! What a PDF carries: its embedded files and the content digest that it claims. The file may come from
//! anyone, so sizes are bounded and nothing is believed.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, LoadOptions, Object};

use crate::base::Sha256;

use super::PdfError;
use super::xmp::{DIGEST_SCHEME, identifier_of};

/// Largest PDF that is read, in bytes.
const MAX_FILE: usize = 128 << 20;
/// Most bytes that one of the streams in which a PDF keeps its objects may have once decompressed.
const MAX_OBJECTS: usize = 16 << 20;
/// Most bytes that all embedded files together may have once decompressed.
const MAX_EMBEDDED: usize = 256 << 20;
/// Most embedded files.
const MAX_FILES: usize = 256;
/// Largest metadata packet.
const MAX_PACKET: usize = 1 << 20;
/// Most nodes of the name tree.
const MAX_NODES: usize = 4096;

/// The embedded files of a PDF with their names, in the order of its name tree (ISO 32000-1 §7.11.4).
pub fn embedded_files(pdf: &[u8]) -> Result<Vec<(String, Vec<u8>)>, PdfError> {
    let document = load(pdf)?;
    let Some(tree) = document
        .catalog()?
        .get_deref(b"Names", &document)
        .and_then(Object::as_dict)
        .and_then(|names| names.get(b"EmbeddedFiles"))
        .ok()
    else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    let mut left = MAX_EMBEDDED;
    for specification in file_specifications(&document, tree)? {
        let name = [b"UF".as_slice(), b"F"]
            .into_iter()
            .find_map(|key| specification.get_deref(key, &document).and_then(Object::as_str).ok())
            .map(text_string)
            .unwrap_or_default();
        let streams = specification.get_deref(b"EF", &document).and_then(Object::as_dict)?;
        let stream = [b"UF".as_slice(), b"F"]
            .into_iter()
            .find_map(|key| streams.get_deref(key, &document).and_then(Object::as_stream).ok())
            .ok_or(lopdf::Error::DictKey("EF".to_owned()))?;
        let bytes = plain_content(stream, left).map_err(|error| match error {
            PdfError::EmbeddedTooLarge { .. } => PdfError::EmbeddedTooLarge { limit: MAX_EMBEDDED },
            other => other,
        })?;
        left = left.saturating_sub(bytes.len());
        files.push((name, bytes));
    }
    Ok(files)
}

/// The content digest that a PDF says it shows, from `dc:identifier` of its metadata. Whether it is true
/// is for the caller to see.
pub fn content_digest(pdf: &[u8]) -> Option<Sha256> {
    let document = load(pdf).ok()?;
    let metadata = document.catalog().ok()?.get_deref(b"Metadata", &document).and_then(Object::as_stream).ok()?;
    let packet = String::from_utf8(plain_content(metadata, MAX_PACKET).ok()?).ok()?;
    Sha256::parse(identifier_of(&packet)?.strip_prefix(DIGEST_SCHEME)?)
}

fn load(pdf: &[u8]) -> Result<Document, PdfError> {
    if pdf.len() > MAX_FILE {
        return Err(PdfError::FileTooLarge { limit: MAX_FILE });
    }
    let document = Document::load_mem_with_options(pdf, LoadOptions::with_max_decompressed_size(MAX_OBJECTS))?;
    if document.is_encrypted() || document.was_encrypted() { Err(PdfError::Encrypted) } else { Ok(document) }
}

/// The file specifications of a name tree, in order. ISO 32000-1 §7.9.6.
fn file_specifications<'a>(document: &'a Document, root: &'a Object) -> Result<Vec<&'a Dictionary>, PdfError> {
    let mut found = Vec::new();
    let mut waiting = vec![root];
    let mut seen = BTreeSet::new();
    let mut nodes = 0;
    while let Some(node) = waiting.pop() {
        // A tree that leads back to itself, or to one node from many, is walked once.
        if let Ok(id) = node.as_reference()
            && !seen.insert(id)
        {
            continue;
        }
        nodes += 1;
        if nodes > MAX_NODES {
            return Err(PdfError::TooManyEmbedded { limit: MAX_FILES });
        }
        let (_, node) = document.dereference(node)?;
        let Ok(node) = node.as_dict() else { continue };
        if let Ok(names) = node.get_deref(b"Names", document).and_then(Object::as_array) {
            for pair in names.chunks_exact(2) {
                let Some(value) = pair.get(1) else { continue };
                if found.len() >= MAX_FILES {
                    return Err(PdfError::TooManyEmbedded { limit: MAX_FILES });
                }
                let (_, value) = document.dereference(value)?;
                found.push(value.as_dict()?);
            }
        }
        if let Ok(kids) = node.get_deref(b"Kids", document).and_then(Object::as_array) {
            waiting.extend(kids.iter().rev());
        }
    }
    Ok(found)
}

/// The content of a stream without its filters, at most `limit` bytes.
fn plain_content(stream: &lopdf::Stream, limit: usize) -> Result<Vec<u8>, PdfError> {
    match stream.get_plain_content_with_limit(limit) {
        Ok(content) if content.len() <= limit => Ok(content),
        Ok(_) | Err(lopdf::Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded { .. })) => {
            Err(PdfError::EmbeddedTooLarge { limit })
        }
        Err(error) => Err(error.into()),
    }
}

/// A text string: UTF-16BE with its mark, else taken as UTF-8, of which ASCII is a part.
/// ISO 32000-1 §7.9.2.2.
fn text_string(bytes: &[u8]) -> String {
    match bytes.strip_prefix(&[0xfe, 0xff]) {
        Some(units) => {
            let units: Vec<u16> =
                units.chunks_exact(2).filter_map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?))).collect();
            String::from_utf16_lossy(&units)
        }
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use lopdf::{Stream, dictionary};

    use super::*;

    #[test]
    fn a_file_that_inflates_without_end_is_refused() {
        let mut stream = Stream::new(dictionary! {}, vec![0; 100_000]);
        stream.compress().expect("compresses");
        assert!(stream.content.len() < 1_000);
        assert!(matches!(plain_content(&stream, 99_999), Err(PdfError::EmbeddedTooLarge { limit: 99_999 })));
        assert_eq!(plain_content(&stream, 100_000).expect("fits").len(), 100_000);
        stream.set_plain_content(vec![0; 1_000]);
        assert!(plain_content(&stream, 999).is_err());
    }

    #[test]
    fn names_are_utf16_or_taken_as_they_are() {
        assert_eq!(text_string(&[0xfe, 0xff, 0, 0x61, 0x30, 0x42]), "aあ");
        assert_eq!(text_string(b"a.json"), "a.json");
    }
}
