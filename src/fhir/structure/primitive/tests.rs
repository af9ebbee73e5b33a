use proptest::prelude::*;

use super::*;

#[test]
fn each_format_takes_what_r4_takes_and_nothing_else() {
    use Primitive as P;
    let cases: &[(P, &[&str], &[&str])] = &[
        (P::Boolean, &["true", "false"], &["True", "1", ""]),
        (P::Integer, &["0", "-1", "2147483647", "-2147483648"], &["-0", "01", "1.0", "1e2", "2147483648", "+1", ""]),
        (P::UnsignedInt, &["0", "2147483647"], &["-1", "2147483648", "00", "1.0"]),
        (P::PositiveInt, &["1", "2147483647"], &["0", "-1", "1e1"]),
        (
            P::Decimal,
            &["0", "-0.0", "1.50", "1e-3", "1E+9", "100000000000000000000.5"],
            &[".5", "1.", "01", "e1", "1e", "--1"],
        ),
        (
            P::Base64Binary,
            &["AAAA", "AA==", "AAA=", "AA\nAA", " AAAA "],
            &["AAA", "A===", "AA=A", "A-_A", "", "====", "="],
        ),
        (
            P::Instant,
            &[
                "2015-02-07T13:28:17.239+02:00",
                "2017-01-01T00:00:00Z",
                "2016-12-31T23:59:60Z",
                "2017-01-01T00:00:00-14:00",
            ],
            &[
                "2017-01-01",
                "2017-01-01T00:00Z",
                "2017-01-01T00:00:00",
                "2017-02-29T00:00:00Z",
                "2017-01-01T00:00:00+14:01",
                "2017-01-01T24:00:00Z",
            ],
        ),
        (
            P::Date,
            &["2018", "1973-06", "1905-08-23", "2024-02-29"],
            &["18", "2018-13", "2018-02-30", "0000", "2018-1", "2018-01-01T00:00:00Z", "2018-", "2018-01-1"],
        ),
        (
            P::DateTime,
            &["2018", "1973-06", "1905-08-23", "2015-02-07T13:28:17-05:00", "2017-01-01T00:00:00.000Z"],
            &[
                "2015-02-07T13:28",
                "2015-02-07T13:28:17",
                "2015-02T13:28:17Z",
                "2015-02-07T13:28:17.Z",
                "2015-02-07T",
                "2015-02-07T13:28:17z",
            ],
        ),
        (
            P::Time,
            &["00:00:00", "23:59:60", "12:30:00.5"],
            &["24:00:00", "12:30", "12:30:00Z", "12:60:00", "12:30:00."],
        ),
        (P::Code, &["final", "in progress", "a b c"], &["", " a", "a ", "a  b", "a\t b", "\u{1}"]),
        (
            P::Oid,
            &["urn:oid:1.2.3.0.10", "urn:oid:2.16"],
            &["1.2.3", "urn:oid:3.1", "urn:oid:1", "urn:oid:1.02", "urn:oid:1..2", "urn:oid:1."],
        ),
        (
            P::Uuid,
            &["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
            &[
                "c757873d-ec9a-4326-a141-556f43239520",
                "urn:uuid:C757873D-ec9a-4326-a141-556f43239520",
                "urn:uuid:c757873dec9a4326a141556f43239520",
                "urn:uuid:c757873d-ec9a-4326-a141-556f43239520-",
            ],
        ),
        (P::Id, &["a", "A-1.b"], &["", "a b", "a_b", "ä"]),
        (P::Uri, &["http://a", "#", "urn:x", "a/b"], &["", "a b", "a\n", "\u{a0}"]),
        (P::String, &["a", " ", "a\r\n\tb", "ä\u{1f600}"], &["", "\u{0}", "a\u{b}"]),
        (P::Markdown, &["# a\n"], &["", "\u{1f}"]),
    ];
    for (primitive, good, bad) in cases {
        for text in *good {
            assert!(primitive.accepts(text), "{primitive:?} {text:?}");
        }
        for text in *bad {
            assert!(!primitive.accepts(text), "{primitive:?} {text:?}");
        }
    }
    assert!(P::Id.accepts(&"a".repeat(64)) && !P::Id.accepts(&"a".repeat(65)));
}

#[test]
fn numbers_booleans_and_strings_are_not_taken_for_each_other() {
    let text = Json::string("1");
    let number = Json::integer(1);
    assert!(Primitive::Integer.takes(&number) && !Primitive::Integer.takes(&text));
    assert!(Primitive::Code.takes(&text) && !Primitive::Code.takes(&number));
    assert!(Primitive::Boolean.takes(&Json::Bool(true)) && !Primitive::Boolean.takes(&text));
    assert!(!Primitive::String.takes(&Json::Null) && !Primitive::String.takes(&Json::Array(Vec::new())));
}

proptest! {
    #[test]
    fn any_text_is_judged(text in "[0-9TZ:+.e-]{0,32}|\\PC*") {
        for name in ["base64Binary", "code", "date", "dateTime", "decimal", "id", "instant", "integer", "oid", "time", "uuid", "uri"] {
            let primitive = Primitive::of_type(name).expect("a primitive");
            let _either = primitive.accepts(&text);
        }
    }
}
