//! Person names as they are compared: without regard to case, group by group, without delimiters at the
//! end. PS3.5 §6.2.1.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// A person name ready to be compared. Absent groups are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoldedName {
    /// Alphabetic, ideographic and phonetic group.
    pub groups: [String; 3],
}

impl FoldedName {
    /// From PN text.
    pub fn of(name: &str) -> Self {
        let mut groups =
            name.split('=').map(|group| fold(group.trim_matches(' ')).trim_end_matches(['^', ' ']).to_owned());
        Self { groups: std::array::from_fn(|_| groups.next().unwrap_or_default()) }
    }

    /// Whether there is no name at all.
    pub fn is_empty(&self) -> bool {
        self.groups.iter().all(String::is_empty)
    }
}

/// Lower case, composed (NFC): what is compared where case does not count.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// The parts of a name or text without accents, in lower case: what fuzzy matching compares.
pub fn words(name: &str) -> Vec<String> {
    let plain: String =
        name.nfkd().filter(|character| !is_combining_mark(*character)).flat_map(char::to_lowercase).collect();
    plain
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
