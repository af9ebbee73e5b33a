//! Names of variables that older systems used. They count as the environment's; the proper name of a
//! setting goes before its alias.

use super::kind::HttpUrl;
use super::setting::Refusal;

/// A variable of another name for a setting.
pub(super) struct Alias {
    /// Name of the variable.
    pub(super) name: &'static str,
    /// The setting.
    pub(super) key: &'static str,
    /// What the variable means, for the reference.
    pub(super) doc: &'static str,
    /// The setting's text out of the variable's.
    pub(super) convert: fn(&str) -> Result<String, Refusal>,
}

/// All of them. Of two for the same setting the earlier one counts; they must agree.
pub(super) const ALIASES: [Alias; 3] = [
    Alias {
        name: "EXPORT_DIR",
        key: "blob.url",
        doc: "a directory, where exports lie with all other blobs",
        convert: |text| Ok(format!("file:{text}")),
    },
    Alias { name: "BASE_URL", key: "http.public_url", doc: "the same", convert: |text| Ok(text.to_owned()) },
    Alias {
        name: "FHIR_BASE_URL",
        key: "http.public_url",
        doc: "the URL without its `/fhir/r4` or `/fhir`",
        convert: base_of_fhir,
    },
];

fn base_of_fhir(text: &str) -> Result<String, Refusal> {
    let url = HttpUrl::parse(text).ok_or("must be an http or https url without user, query and fragment")?;
    let base = ["/fhir/r4", "/fhir"].into_iter().find_map(|path| url.as_str().strip_suffix(path));
    base.map(str::to_owned).ok_or("must end in /fhir/r4 or /fhir, where this gateway serves FHIR".into())
}
