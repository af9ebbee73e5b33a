use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const LIMITS: PartLimits = PartLimits { max_parts: 100, max_head_bytes: 8192, max_part_bytes: 1 << 20 };

/// The parts of a body: type, location, content.
type Parts = Vec<(Option<String>, Option<String>, Vec<u8>)>;

fn split(boundary: &str, pieces: &[&[u8]], limits: PartLimits) -> Result<Parts, MultipartError> {
    let mut splitter = Splitter::new(boundary, limits)?;
    let mut parts: Parts = Vec::new();
    let mut is_open = false;
    for piece in pieces {
        splitter.push(Bytes::copy_from_slice(piece));
        while let Some(event) = splitter.next()? {
            match event {
                Event::Begin(head) => {
                    assert!(!is_open);
                    is_open = true;
                    parts.push((head.content_type.map(|media| media.essence().to_owned()), head.location, Vec::new()));
                }
                Event::Content(bytes) => {
                    assert!(is_open && !bytes.is_empty());
                    parts.last_mut().expect("has begun").2.extend_from_slice(&bytes);
                }
                Event::End => {
                    assert!(is_open);
                    is_open = false;
                }
            }
        }
    }
    splitter.finish()?;
    assert!(!is_open);
    Ok(parts)
}

fn whole(boundary: &str, body: &str) -> Result<Parts, MultipartError> {
    split(boundary, &[body.as_bytes()], LIMITS)
}

fn part(kind: &str, content: &[u8]) -> (Option<String>, Option<String>, Vec<u8>) {
    (Some(kind.to_owned()), None, content.to_vec())
}

#[test]
fn parts_are_found_between_preamble_and_epilogue() {
    let body = "to be ignored\r\n--B\r\nContent-Type: application/dicom\r\n\r\none\r\n--B \t\r\n\
                content-type: TEXT/plain\r\nMIME-Version: 1.0\r\nContent-Location: a/b\r\n\r\ntwo\r\n\r\n--B--\r\nrest --B\r\n--B\r\n";
    let second = (Some("text/plain".to_owned()), Some("a/b".to_owned()), b"two\r\n".to_vec());
    assert_eq!(whole("B", body), Ok(vec![part("application/dicom", b"one"), second]));
}

#[test]
fn heads_may_end_their_lines_as_unix_does_and_be_folded() {
    let body = "--B\nContent-Type: multipart/related;\n  type=x\n\none\r\n--B--";
    assert_eq!(whole("B", body), Ok(vec![part("multipart/related", b"one")]));
}

#[test]
fn a_part_may_be_empty_in_every_way() {
    for body in ["--B\r\n\r\n\r\n--B--", "--B\r\n\r\n--B--", "--B\r\nX: y\r\n\r\n--B--\r\n", "--B\n\n--B--"] {
        assert_eq!(whole("B", body), Ok(vec![(None, None, Vec::new())]), "{body:?}");
    }
    assert_eq!(whole("B", "--B--"), Ok(Vec::new()));
}

#[test]
fn what_looks_like_a_delimiter_is_content() {
    let content = "\r\r\n\n--B\r\n--\r\n--A\r\n-B\n--BB\r--B";
    let body = format!("--B\r\n\r\n{content}\r\n--B--");
    assert_eq!(whole("B", &body), Ok(vec![(None, None, content.as_bytes().to_vec())]));
}

#[test]
fn broken_framing_is_told_from_passed_limits() {
    for (body, error) in [
        ("", MultipartError::NoDelimiter),
        ("no delimiter", MultipartError::NoDelimiter),
        ("--C\r\n\r\nx\r\n--C--", MultipartError::NoDelimiter),
        ("--B", MultipartError::Unfinished),
        ("--B\r\n", MultipartError::Unfinished),
        ("--B\r\nContent-Type: x/y\r\n", MultipartError::Unfinished),
        ("--B\r\n\r\nx", MultipartError::Unfinished),
        ("--B\r\n\r\nx\r\n--B", MultipartError::Unfinished),
        ("--B\r\n\r\nx\r\n--B-", MultipartError::Unfinished),
        ("--BX\r\n\r\nx\r\n--B--", MultipartError::AfterDelimiter),
        ("--B -\r\n\r\nx\r\n--B--", MultipartError::AfterDelimiter),
    ] {
        let found = whole("B", body).expect_err(body);
        assert!(!found.is_limit());
        assert_eq!(found, error, "{body:?}");
    }
    for boundary in ["", "a\r\nb", "\u{e4}", "ends with a space ", &"x".repeat(71), "a\"b", "a\\b"] {
        assert_eq!(whole(boundary, "").expect_err(boundary), MultipartError::Boundary);
    }
    let limits = PartLimits { max_parts: 1, max_head_bytes: 16, max_part_bytes: 3 };
    for (body, error) in [
        ("--B\r\n\r\nabc\r\n--B\r\n", MultipartError::TooManyParts(1)),
        ("--B\r\n\r\nabcd\r\n--B--", MultipartError::LongPart(3)),
        ("--B\r\nabcdefghijklmnopqrst", MultipartError::LongHead(16)),
        ("--B\r\nabcdefghijklmno\r\n\r\n", MultipartError::LongHead(16)),
    ] {
        assert_eq!(split("B", &[body.as_bytes()], limits), Err(error), "{body:?}");
        assert!(error.is_limit());
    }
    assert!(split("B", &[b"--B\r\n\r\nabc\r\n--B--"], limits).is_ok());
}

#[test]
fn an_answer_is_framed_to_the_byte() {
    let boundary = Boundary::random();
    let text = boundary.content_type("application/dicom");
    let name = text.strip_prefix("multipart/related; type=\"application/dicom\"; boundary=").expect("is the boundary");
    assert_eq!(name.len(), 32);
    assert_ne!(Boundary::random(), boundary);
    let first = boundary.before_part(true, "a/b", Some("http://x/y"), Some(3));
    assert_eq!(
        first,
        format!("--{name}\r\nContent-Type: a/b\r\nContent-Length: 3\r\nContent-Location: http://x/y\r\n\r\n")
    );
    let body = [&first, &b"one"[..], &boundary.before_part(false, "c/d", None, None), b"two", &boundary.end()].concat();
    let read = split(name, &[&body], LIMITS).expect("is read");
    assert_eq!(read[0], (Some("a/b".to_owned()), Some("http://x/y".to_owned()), b"one".to_vec()));
    assert_eq!(read[1], part("c/d", b"two"));
}

/// Cuts a body where `cuts` say.
fn pieces<'a>(body: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
    places.extend([0, body.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn parts_come_back_however_they_are_cut(
        boundary in "[a-zA-Z0-9'+_,./:=?-]{1,70}",
        contents in proptest::collection::vec("[\\r\\n\\-aB]{0,40}|\\PC{0,40}", 0..5),
        cuts in proptest::collection::vec(0_usize..1000, 0..40),
        is_by_byte in any::<bool>(),
    ) {
        let delimiter = format!("\r\n--{boundary}");
        let contents: Vec<&String> = contents
            .iter()
            .filter(|content| !format!("\r\n{content}").contains(&delimiter))
            .filter(|content| !format!("{content}\r\n--").contains(&delimiter))
            .collect();
        let mut body = String::from("preamble");
        for content in &contents {
            body += &[&delimiter, "\r\nContent-Type: a/b\r\n\r\n", content.as_str()].concat();
        }
        body += &[&delimiter, "--\r\nepilogue"].concat();
        let cut = if is_by_byte { body.as_bytes().chunks(1).collect() } else { pieces(body.as_bytes(), &cuts) };
        let expected: Parts = contents.iter().map(|content| part("a/b", content.as_bytes())).collect();
        prop_assert_eq!(split(&boundary, &cut, LIMITS), Ok(expected));
    }

    #[test]
    fn any_body_is_read_without_panic_and_the_same_however_it_is_cut(
        body in "(--B|\\r\\n|\\n|--|B|-|[ -~]|: |Content-Type: a/b){0,60}",
        cuts in proptest::collection::vec(0_usize..1000, 0..20),
    ) {
        let limits = PartLimits { max_parts: 3, max_head_bytes: 64, max_part_bytes: 20 };
        let once = split("B", &[body.as_bytes()], limits);
        let cut = split("B", &pieces(body.as_bytes(), &cuts), limits);
        // A head that is too long is refused as soon as that is seen.
        if once.is_ok() {
            prop_assert_eq!(once, cut);
        } else {
            prop_assert!(cut.is_err());
        }
    }

    #[test]
    fn a_changed_byte_costs_no_more_than_an_error(place in 0_usize..200, byte in any::<u8>(), length in 0_usize..200) {
        let mut body = b"--B7\r\nContent-Type: application/dicom\r\n\r\nDICM\r\n--B7\r\n\r\ntwo\r\n--B7--\r\n".to_vec();
        let place = place % body.len();
        body[place] = byte;
        let _ = split("B7", &[&body], LIMITS);
        body.truncate(length);
        let _ = split("B7", &[&body], LIMITS);
    }
}
