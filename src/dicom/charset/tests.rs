use proptest::prelude::*;

use super::*;

fn decode(charset: &str, bytes: &[u8], kind: TextKind) -> (String, bool) {
    let decoded = CharacterSets::of(charset).decode(bytes, kind);
    (decoded.text, decoded.is_exact)
}

/// The examples of PS3.5 Annexes H, I and K.
#[test]
fn the_names_of_the_standard_are_read() {
    let name = |charset: &str, bytes: &[u8]| {
        let (text, exact) = decode(charset, bytes, TextKind::PersonName);
        assert!(exact, "{charset}");
        text
    };
    let kanji = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
    assert_eq!(name("\\ISO 2022 IR 87", kanji), "Yamada^Tarou=山田^太郎=やまだ^たろう");
    let katakana =
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J";
    assert_eq!(name("ISO 2022 IR 13\\ISO 2022 IR 87", katakana), "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう");
    let korean = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf";
    assert_eq!(name("\\ISO 2022 IR 149", korean), "Hong^Gildong=洪^吉洞=홍^길동");
    let chinese = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=";
    assert_eq!(name("\\ISO 2022 IR 58", chinese), "Zhang^XiaoDong=张^小东=");
    assert_eq!(name("ISO_IR 192", "Wang^XiaoDong=王^小東=".as_bytes()), "Wang^XiaoDong=王^小東=");
    assert_eq!(name("GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab="), "Wang^XiaoDong=王^小东=");
}

#[test]
fn one_byte_sets_are_read() {
    for (charset, bytes, expected) in [
        ("ISO_IR 100", &b"Buc^J\xe9r\xf4me"[..], "Buc^Jérôme"),
        ("ISO_IR 101", b"Wa\xb3\xeasa", "Wałęsa"),
        ("ISO_IR 126", b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"),
        ("ISO_IR 127", b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", "قباني^لنزار"),
        ("ISO_IR 138", b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", "שרון^דבורה"),
        ("ISO_IR 144", b"\xbb\xee\xdace\xdc\xd1yp\xd3", "Люкceмбypг"),
        ("ISO_IR 148", b"\xd6\xfe\xfd\xf0", "Öşığ"),
        ("ISO_IR 166", b"\xb9\xd2\xc1", "นาม"),
        ("ISO_IR 203", b"5\xa4", "5€"),
        ("ISO_IR_100", b"\xe9", "é"),
        ("iso-ir 100", b"\xe9", "é"),
        ("ISO 2022 IR 100\\ISO 2022 IR 144", b"\xe9 \x1b-L\xbb\r\n\xe9", "é Л\r\né"),
    ] {
        assert_eq!(decode(charset, bytes, TextKind::PersonName), (expected.to_owned(), true), "{charset}");
    }
}

#[test]
fn delimiters_end_code_extensions_unless_they_are_half_a_character() {
    let charset = "\\ISO 2022 IR 87";
    // 0x5c and 0x5e as second bytes, then a real delimiter behind which ASCII holds again.
    assert_eq!(decode(charset, b"\x1b$B!\\%^\x1b(B\\ab", TextKind::Values), ("＋マ\\ab".to_owned(), true));
    // A line break inside the two-byte set goes back to ASCII by itself.
    assert_eq!(decode(charset, b"\x1b$B;3\r\nED", TextKind::Text), ("山\r\nED".to_owned(), true));
    // In text, a backslash is a character: it does not end the upper half.
    let mixed = "ISO 2022 IR 100\\ISO 2022 IR 144";
    assert_eq!(decode(mixed, b"\x1b-L\xbb\\\xbb", TextKind::Text).0, "Л\\Л");
    assert_eq!(decode(mixed, b"\x1b-L\xbb\\\xbb", TextKind::Values).0, "Л\\»");
}

#[test]
fn what_is_wrong_is_read_as_well_as_can_be() {
    // No character set declared, but the bytes are UTF-8.
    assert_eq!(decode("", "Müller".as_bytes(), TextKind::Values), ("Müller".to_owned(), false));
    // No character set declared, Latin-1 bytes.
    assert_eq!(decode("", b"M\xfcller", TextKind::Values), ("Müller".to_owned(), false));
    // Quotation marks of a word processor.
    assert_eq!(decode("ISO_IR 100", b"\x93a\x94", TextKind::Text), ("“a”".to_owned(), false));
    // The escape sequence before Korean is missing.
    assert_eq!(decode("\\ISO 2022 IR 149", b"\xc8\xab", TextKind::Values), ("홍".to_owned(), false));
    assert_eq!(decode("ISO_IR 6", b"a\x1bzb", TextKind::Text), ("a\u{fffd}zb".to_owned(), false));
    assert_eq!(CharacterSets::of("ISO_IR 999").unknown(), ["IR 999"]);
}

proptest! {
    #[test]
    fn any_bytes_are_decoded(
        charset in "(ISO_IR (6|13|87|100|127|149|166|192)|GB18030|)(\\\\ISO 2022 IR (13|58|87|149|159|100))?",
        bytes in prop::collection::vec(prop_oneof![Just(0x1b_u8), Just(b'$'), Just(b'('), Just(b'B'), any::<u8>()], 0..64),
    ) {
        for kind in [TextKind::Values, TextKind::PersonName, TextKind::Text] {
            let decoded = CharacterSets::of(&charset).decode(&bytes, kind);
            prop_assert!(decoded.text.chars().count() <= bytes.len() * 2);
        }
    }

    #[test]
    fn ascii_is_itself_in_every_set(text in "[ -}&&[^\\\\]]{0,40}", number in prop_oneof![Just(6), Just(100), Just(127), Just(149), Just(192)]) {
        let decoded = CharacterSets::of(&format!("ISO_IR {number}")).decode(text.as_bytes(), TextKind::Text);
        prop_assert_eq!(decoded, Decoded { text, is_exact: true });
    }
}

#[test]
fn every_term_that_is_listed_is_known() {
    for (term, _) in TERMS {
        assert!(CharacterSets::of(term).unknown().is_empty(), "{term}");
    }
}
