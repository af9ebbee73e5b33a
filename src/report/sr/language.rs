//! Names of language tags (BCP 47), for the meanings of their codes. PS3.16 CID 5000.

/// The English name of a tag: `German (Austria)` for `de-AT`; the tag itself where there is no name.
pub(crate) fn language_name(tag: &str) -> String {
    if let Some((_, name)) = WHOLE.iter().find(|(whole, _)| *whole == tag) {
        return (*name).to_owned();
    }
    let primary = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let name = LANGUAGES.iter().find(|(code, _)| *code == primary).map(|(_, name)| *name);
    match (name, tag.split_once('-')) {
        (Some(name), Some((_, rest))) => {
            let region = REGIONS.iter().find(|(code, _)| *code == rest).map_or(rest, |(_, region)| *region);
            format!("{name} ({region})")
        }
        (Some(name), None) => name.to_owned(),
        (None, _) => tag.to_owned(),
    }
}

/// Tags whose name in CID 5000 does not follow from its parts.
const WHOLE: &[(&str, &str)] = &[
    ("el", "Greek, Modern (1453-)"),
    ("nb-NO", "Norwegian (Bokmål) (Norway)"),
    ("nn-NO", "Norwegian (Nynorsk) (Norway)"),
    ("und", "Undetermined"),
    ("zh-CN", "Chinese (S)"),
    ("zh-TW", "Chinese (T)"),
];

const LANGUAGES: &[(&str, &str)] = &[
    ("ar", "Arabic"),
    ("bg", "Bulgarian"),
    ("bn", "Bengali"),
    ("ca", "Catalan"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("de", "German"),
    ("el", "Greek"),
    ("en", "English"),
    ("es", "Spanish"),
    ("et", "Estonian"),
    ("fa", "Persian"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hr", "Croatian"),
    ("hu", "Hungarian"),
    ("id", "Indonesian"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("lt", "Lithuanian"),
    ("lv", "Latvian"),
    ("nb", "Norwegian Bokmål"),
    ("nl", "Dutch"),
    ("nn", "Norwegian Nynorsk"),
    ("no", "Norwegian"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sk", "Slovak"),
    ("sl", "Slovenian"),
    ("sr", "Serbian"),
    ("sv", "Swedish"),
    ("th", "Thai"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("vi", "Vietnamese"),
    ("zh", "Chinese"),
];

const REGIONS: &[(&str, &str)] = &[
    ("AE", "U.A.E."),
    ("AR", "Argentina"),
    ("AT", "Austria"),
    ("AU", "Australia"),
    ("BE", "Belgium"),
    ("BG", "Bulgaria"),
    ("BR", "Brazil"),
    ("CA", "Canada"),
    ("CH", "Switzerland"),
    ("CL", "Chile"),
    ("CO", "Colombia"),
    ("CZ", "Czech Republic"),
    ("DE", "Germany"),
    ("DK", "Denmark"),
    ("EE", "Estonia"),
    ("EG", "Egypt"),
    ("ES", "Spain"),
    ("FI", "Finland"),
    ("FR", "France"),
    ("GB", "United Kingdom"),
    ("GR", "Greece"),
    ("HK", "Hong Kong"),
    ("HR", "Croatia"),
    ("HU", "Hungary"),
    ("ID", "Indonesia"),
    ("IE", "Ireland"),
    ("IL", "Israel"),
    ("IN", "India"),
    ("IR", "Iran"),
    ("IT", "Italy"),
    ("JO", "Jordan"),
    ("JP", "Japan"),
    ("KR", "Korea"),
    ("LT", "Lithuania"),
    ("LU", "Luxembourg"),
    ("LV", "Latvia"),
    ("MX", "Mexico"),
    ("NL", "Netherlands"),
    ("NZ", "New Zealand"),
    ("PL", "Poland"),
    ("PT", "Portugal"),
    ("RO", "Romania"),
    ("RU", "Russia"),
    ("SA", "Saudi Arabia"),
    ("SE", "Sweden"),
    ("SG", "Singapore"),
    ("SI", "Slovenia"),
    ("SK", "Slovakia"),
    ("TH", "Thailand"),
    ("TR", "Turkey"),
    ("UA", "Ukraine"),
    ("US", "United States"),
    ("VN", "Viet Nam"),
    ("ZA", "South Africa"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_names() {
        for (tag, name) in [
            ("de", "German"),
            ("de-AT", "German (Austria)"),
            ("el", "Greek, Modern (1453-)"),
            ("zh-Hant-TW", "Chinese (Hant-TW)"),
            ("tlh", "tlh"),
        ] {
            assert_eq!(language_name(tag), name);
        }
    }
}
