//! The letterhead and logo of a tenant's documents.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::access::{Actor, Operation};
use crate::audit::{Object, ObjectKind};
use crate::base::{ProblemCode, Problems, VersionId};
use crate::report::{Letterhead, PageSize, pdf};
use crate::store::{SettingVersion, SettingWrite, Write, WriteSet};

use super::{Error, Ops};

/// A letterhead as it is kept and sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LetterheadForm {
    /// Name of the organization.
    pub organization: String,
    /// Address and telephone, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// `a4` or `letter`.
    #[serde(default = "a4")]
    pub page_size: String,
    /// Logo as base64 of PNG or JPEG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
}

impl Ops {
    /// The tenant's letterhead, with its version if it has one of its own.
    pub async fn letterhead(&self, actor: &Actor) -> Result<(LetterheadForm, Option<VersionId>), Error> {
        self.authorize(actor, Operation::LetterheadRead).await?;
        Ok(match self.own_letterhead(actor).await? {
            Some((form, version)) => (form, Some(version)),
            None => (LetterheadForm::of(&self.settings().letterhead), None),
        })
    }

    /// Sets the tenant's letterhead. Documents of versions that were rendered before keep theirs.
    pub async fn set_letterhead(
        &self,
        actor: &Actor,
        form: LetterheadForm,
        expected: SettingVersion,
    ) -> Result<(), Error> {
        self.authorize(actor, Operation::LetterheadSet).await?;
        let checked = form.clone();
        self.on_cpu(move || checked.to_letterhead()).await??;
        let value = serde_json::to_vec(&form).map_err(|error| Error::Fault(error.to_string()))?;
        let object = Object::new(ObjectKind::Letterhead, SETTING);
        let set = WriteSet::new()
            .with(Write::Setting(SettingWrite { name: SETTING, expected, value }))
            .with(Write::Audit(self.event(actor, Operation::LetterheadSet).on(object)));
        Ok(self.desk(actor).commit(set).await?)
    }

    /// The letterhead that the tenant's documents wear now.
    pub(super) async fn worn_letterhead(&self, actor: &Actor) -> Result<Letterhead, Error> {
        match self.own_letterhead(actor).await? {
            Some((form, _)) => Ok(form.restore()),
            None => Ok(self.settings().letterhead.clone()),
        }
    }

    async fn own_letterhead(&self, actor: &Actor) -> Result<Option<(LetterheadForm, VersionId)>, Error> {
        let Some((value, version)) = self.desk(actor).setting(SETTING).await? else { return Ok(None) };
        let form =
            serde_json::from_slice(&value).map_err(|_error| Error::Fault("stored letterhead cannot be read".into()))?;
        Ok(Some((form, version)))
    }
}

impl LetterheadForm {
    /// The form of a letterhead.
    pub fn of(letterhead: &Letterhead) -> Self {
        Self {
            organization: letterhead.organization.clone(),
            lines: letterhead.lines.clone(),
            page_size: match letterhead.page_size {
                PageSize::A4 => "a4".into(),
                PageSize::Letter => "letter".into(),
            },
            logo: letterhead.logo.as_ref().map(|bytes| STANDARD.encode(bytes)),
        }
    }

    /// The letterhead of a form that we have kept ourselves: nothing is checked any more.
    pub(super) fn restore(&self) -> Letterhead {
        Letterhead {
            organization: self.organization.clone(),
            lines: self.lines.clone(),
            logo: self.logo.as_ref().and_then(|text| STANDARD.decode(text).ok()),
            page_size: if self.page_size == "letter" { PageSize::Letter } else { PageSize::A4 },
        }
    }

    /// The letterhead, if all of it is as it should be; the logo is decoded to see that it is an image.
    pub fn to_letterhead(&self) -> Result<Letterhead, Error> {
        let mut problems = Problems::new();
        check_line("organization", &self.organization, 64, &mut problems);
        if self.lines.len() > MAX_LINES {
            problems.add("lines", ProblemCode::TooLong, format!("has more than {MAX_LINES} lines"));
        }
        for (index, line) in self.lines.iter().enumerate() {
            check_line(&format!("lines[{index}]"), line, 100, &mut problems);
        }
        let page_size = match self.page_size.as_str() {
            "a4" => PageSize::A4,
            "letter" => PageSize::Letter,
            _ => {
                problems.add("pageSize", ProblemCode::CodeInvalid, "is not a4 or letter");
                PageSize::A4
            }
        };
        let logo = self.logo.as_ref().and_then(|text| {
            let bytes = STANDARD.decode(text).ok().filter(|bytes| pdf::check_image(bytes).is_ok());
            if bytes.is_none() {
                problems.add("logo", ProblemCode::Value, "is not the base64 of a PNG or JPEG image of bearable size");
            }
            bytes
        });
        problems.into_result(()).map_err(Error::Invalid)?;
        Ok(Letterhead { organization: self.organization.clone(), lines: self.lines.clone(), logo, page_size })
    }
}

fn check_line(path: &str, line: &str, max: usize, problems: &mut Problems) {
    if line.trim().is_empty() {
        problems.add(path, ProblemCode::Required, "must not be empty");
    } else if line.chars().count() > max {
        problems.add(path, ProblemCode::TooLong, format!("is longer than {max} characters"));
    } else if line.chars().any(|letter| letter.is_control() || letter == '\\') {
        problems.add(path, ProblemCode::Value, "holds a control character or a backslash");
    }
}

fn a4() -> String {
    "a4".into()
}

/// Name of the setting.
const SETTING: &str = "letterhead";
/// Lines of an address that a page has room for.
const MAX_LINES: usize = 6;
