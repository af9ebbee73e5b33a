use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Json, JsonErrorKind> {
    Json::parse(text.as_bytes(), &JsonLimits::default()).map_err(|error| error.kind)
}

#[test]
fn numbers_and_order_are_kept() {
    let text = r#"{"z":1.50,"a":[0.10,-0,1e-3,100000000000000000000.5],"b":"ä\u0001\n"}"#;
    assert_eq!(parse(text).expect("valid").to_text(), text);
}

#[test]
fn the_reader_is_strict() {
    let cases = [
        (r#"{"a":1,"a":2}"#, JsonErrorKind::DuplicateKey),
        (r#"{"a":1,"\u0061":2}"#, JsonErrorKind::DuplicateKey),
        (r#"{"a":1,}"#, JsonErrorKind::Unexpected),
        ("[1,]", JsonErrorKind::Unexpected),
        ("[1", JsonErrorKind::End),
        ("", JsonErrorKind::End),
        ("01", JsonErrorKind::Number),
        ("1.", JsonErrorKind::Number),
        ("NaN", JsonErrorKind::Unexpected),
        ("{} {}", JsonErrorKind::Trailing),
        (r#""\ud800""#, JsonErrorKind::Escape),
        (r#""\udc00\ud800""#, JsonErrorKind::Escape),
        (r#""\x""#, JsonErrorKind::Escape),
        ("\"\n\"", JsonErrorKind::Control),
        ("\u{feff}{}", JsonErrorKind::Unexpected),
    ];
    for (text, kind) in cases {
        assert_eq!(parse(text), Err(kind), "{text}");
    }
    assert_eq!(Json::parse(b"\"\xff\"", &JsonLimits::default()).map_err(|e| e.kind), Err(JsonErrorKind::Utf8));
    assert_eq!(parse(r#""\ud83d\ude00""#).expect("valid"), Json::string("😀"));
}

#[test]
fn depth_and_count_have_limits() {
    let limits = JsonLimits { depth: 3, values: 5 };
    let kind = |text: &str| Json::parse(text.as_bytes(), &limits).map_err(|error| error.kind);
    assert!(kind("[[[1]]]").is_ok());
    assert_eq!(kind("[[[[1]]]]"), Err(JsonErrorKind::Depth));
    assert_eq!(kind("[1,2,3,4,5]"), Err(JsonErrorKind::Values));
    let deep = "[".repeat(500);
    assert_eq!(parse(&deep), Err(JsonErrorKind::Depth));
}

#[test]
fn a_duplicate_in_a_large_object_is_found() {
    let mut members: Vec<String> = (0..100).map(|index| format!("\"k{index}\":{index}")).collect();
    members.push("\"k7\":0".to_owned());
    assert_eq!(parse(&format!("{{{}}}", members.join(","))), Err(JsonErrorKind::DuplicateKey));
}

#[test]
fn the_canonical_form_sorts_members_by_utf_16() {
    // RFC 8785 §3.2.3, its own example order.
    let text = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"😀":5,"\u0080":6,"ö":7}"#;
    let sorted: Vec<String> = match parse(&parse(text).expect("valid").to_canonical()).expect("valid") {
        Json::Object(object) => object.iter().map(|(key, _)| key.to_owned()).collect(),
        _ => Vec::new(),
    };
    assert_eq!(sorted, ["\r", "1", "\u{80}", "ö", "€", "😀", "\u{fb33}"]);
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::integer),
        (any::<i32>(), 0..1000).prop_map(|(whole, rest): (i32, i32)| Json::Number(format!("{whole}.{rest:03}").into())),
        any::<String>().prop_map(Json::String),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Json::Array),
            prop::collection::vec((any::<String>(), inner), 0..8)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(value in any_json()) {
        prop_assert_eq!(parse(&value.to_text()), Ok(value.clone()));
        prop_assert_eq!(parse(&value.to_pretty()), Ok(value.clone()));
        let canonical = value.to_canonical();
        prop_assert_eq!(parse(&canonical).expect("valid").to_canonical(), canonical);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _either = Json::parse(&bytes, &JsonLimits::default());
    }
}
