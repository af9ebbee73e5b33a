//! Renditions of a version: made once, all forms together, with evidence that is fixed from then on, and
//! checked before they are kept. Whoever asks again gets the same bytes.

use crate::access::{Actor, Operation};
use crate::base::{Blake3, LogicalId, ProblemCode, Problems, Retry, Sha256, Uid, VersionId};
use crate::blob::BlobRef;
use crate::dicom::sample_study::SampleArchive;
use crate::dicom::source::{FoundStudy, ImageAddress, SourceError, StudySource};
use crate::dicom::study::StudyFacts;
use crate::fhir::Json;
use crate::report::edition::KeyImagePixels;
use crate::report::family::{self, Family};
use crate::report::fhir::{Attachment, Ids, transaction_bundle};
use crate::report::sr::HeadingCodes;
use crate::report::{Losses, Rendering, Twin, verify};
use crate::store::{Evidence, Rendition, StoreError, Write, WriteSet};
use crate::telemetry::metric;

use super::letterheads::LetterheadForm;
use super::reports::ReportVersion;
use super::studies::LocalArchive;
use super::{Archive, Error, Ops};

/// What a version was first rendered with; kept as a sealed blob.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fixed {
    v: u8,
    study: StudyFacts,
    missing: Losses,
    images: Vec<FixedImage>,
    letterhead: LetterheadForm,
    heading_codes: HeadingCodes,
    public_url: String,
}

/// A key image as the archive rendered it, by digest.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct FixedImage {
    index: usize,
    digest: String,
    size: u64,
}

/// What came of asking the archive.
struct Asked {
    study: StudyFacts,
    missing: Losses,
    images: Vec<KeyImagePixels>,
    answered: bool,
}

impl Ops {
    /// A rendition of a version, made now if it was not made before. Nobody is asked whether the actor
    /// may: callers have done it.
    pub(crate) async fn rendition(
        &self,
        actor: &Actor,
        report: &LogicalId,
        version: VersionId,
        twin: Twin,
    ) -> Result<Rendition, Error> {
        if let Some(found) = self.desk(actor).rendition(report, version, twin).await? {
            return Ok(found);
        }
        let written = self.load_report(actor, report, Some(version)).await?;
        let family = self.render_all(actor, &written).await?;
        if let Some(found) = self.desk(actor).rendition(report, version, twin).await? {
            return Ok(found);
        }
        let detail = match (&family.without_dicom, twin) {
            (Some(error), Twin::DicomSr | Twin::EncapsulatedPdf | Twin::KeyObject) => error.to_string(),
            (_, Twin::KeyObject) if family.unselected.is_empty() => "the report has no key image".to_owned(),
            (_, Twin::KeyObject) => {
                let lines = family.unselected.0.iter().map(|loss| format!("{}: {}", loss.path, loss.detail));
                lines.collect::<Vec<_>>().join("; ")
            }
            _ => "this version has no rendition in this form".to_owned(),
        };
        Err(Error::Rule(Problems::one("format", ProblemCode::BusinessRule, detail)))
    }

    /// A rendition for someone who may read the report, as `presentedForm` and DocumentReference name it.
    pub async fn read_rendition(
        &self,
        actor: &Actor,
        report: &LogicalId,
        version: VersionId,
        twin: Twin,
    ) -> Result<Rendition, Error> {
        use crate::audit::Object;
        self.authorize(actor, Operation::ReportRead).await?;
        let rendition = self.rendition(actor, report, version, twin).await?;
        let object = Object::resource("DiagnosticReport", report, Some(version)).changed(None, Some(rendition.sha256));
        self.note_read(actor, Operation::ReportRead, vec![object]).await?;
        Ok(rendition)
    }

    /// The transaction that puts a version into a FHIR server, with size and hash of its renditions.
    pub(super) async fn transaction(
        &self,
        actor: &Actor,
        report: &LogicalId,
        version: VersionId,
    ) -> Result<Json, Error> {
        // Rendered first, so that the evidence is fixed and the renditions are there.
        self.rendition(actor, report, version, Twin::Fhir).await?;
        let written = self.load_report(actor, report, Some(version)).await?;
        let digest = self.desk(actor).evidence(report, version).await?;
        let digest = digest.ok_or_else(|| Error::Fault("the evidence of a version is gone".into()))?;
        let (fixed, images) = self.read_fixed(actor, digest).await?;
        let mut renditions = Vec::new();
        for (twin, title) in
            [(Twin::Text, "Report, plain text"), (Twin::Pdf, "Report, PDF"), (Twin::DicomSr, "Report, DICOM SR")]
        {
            if let Some(found) = self.desk(actor).rendition(report, version, twin).await? {
                renditions.push((twin, title, self.rendition_bytes(actor, &found).await?));
            }
        }
        self.on_cpu(move || {
            let letterhead = fixed.letterhead.restore();
            let rendering = Rendering {
                report: &written.report,
                edition: &written.edition,
                content_digest: written.content_digest,
                study: &fixed.study,
                letterhead: &letterhead,
                images: &images,
                missing: &fixed.missing,
                public_url: &fixed.public_url,
            };
            let urls: Vec<String> = renditions.iter().map(|(twin, ..)| rendering.rendition_url(*twin)).collect();
            let attachments: Vec<Attachment<'_>> = renditions
                .iter()
                .zip(&urls)
                .map(|((twin, title, bytes), url)| Attachment {
                    content_type: twin.media_type(),
                    title,
                    url: Some(url),
                    bytes: Some(bytes),
                    inline: *twin == Twin::Text,
                    creation: written.edition.recorded_at,
                })
                .collect();
            let ids = Ids::derived(&written.report, &letterhead);
            transaction_bundle(&rendering, &ids, &attachments).map_err(|error| Error::Fault(error.to_string()))
        })
        .await?
    }

    /// The bytes of a rendition, whole.
    pub async fn rendition_bytes(&self, actor: &Actor, rendition: &Rendition) -> Result<Vec<u8>, Error> {
        self.get_blob(actor, rendition.digest).await
    }

    /// Makes all forms of a version and keeps them.
    async fn render_all(&self, actor: &Actor, written: &ReportVersion) -> Result<Family, Error> {
        let (id, version) = (&written.report.id, written.edition.version);
        let (fixed, images) = match self.desk(actor).evidence(id, version).await? {
            Some(digest) => self.read_fixed(actor, digest).await?,
            None => self.fix(actor, written).await?,
        };
        let family = self.compute(written, fixed, images).await?;
        let mut set = WriteSet::new();
        for member in &family.members {
            let blob = self.put_blob(actor, member.bytes.clone()).await?;
            set.add(Write::Rendition(Rendition {
                report: id.clone(),
                version,
                twin: member.twin,
                digest: blob.digest,
                sha256: Sha256::of(&member.bytes),
                size: blob.size,
                sop: member.sop.clone(),
                losses: member.losses.clone(),
                created_at: self.now(),
            }));
        }
        self.desk(actor).commit(set).await?;
        Ok(family)
    }

    /// Renders on a core of its own, and reads every form back to see that it says the same.
    async fn compute(
        &self,
        written: &ReportVersion,
        fixed: Fixed,
        images: Vec<KeyImagePixels>,
    ) -> Result<Family, Error> {
        let written = written.clone();
        let started = std::time::Instant::now();
        let outcome = self
            .on_cpu(move || {
                let letterhead = fixed.letterhead.restore();
                let rendering = Rendering {
                    report: &written.report,
                    edition: &written.edition,
                    content_digest: written.content_digest,
                    study: &fixed.study,
                    letterhead: &letterhead,
                    images: &images,
                    missing: &fixed.missing,
                    public_url: &fixed.public_url,
                };
                let family =
                    family::render(&rendering, fixed.heading_codes).map_err(|error| Error::Fault(error.to_string()))?;
                verify::family(&family, &written.report).map_err(|error| Error::Fault(error.to_string()))?;
                Ok::<_, Error>(family)
            })
            .await?;
        metrics::histogram!(metric::RENDER_SECONDS, "twin" => "all").record(started.elapsed().as_secs_f64());
        outcome
    }

    /// Asks the archive, once, and fixes what it said. Where another node was faster, its answer holds.
    async fn fix(&self, actor: &Actor, written: &ReportVersion) -> Result<(Fixed, Vec<KeyImagePixels>), Error> {
        let asked = self.ask_archive(actor, written).await?;
        let letterhead = self.worn_letterhead(actor).await?;
        let mut images = Vec::new();
        for image in &asked.images {
            let blob = self.put_blob(actor, image.bytes.clone()).await?;
            images.push(FixedImage { index: image.index, digest: blob.digest.to_hex(), size: blob.size });
        }
        let fixed = Fixed {
            v: 1,
            study: asked.study,
            missing: asked.missing,
            images,
            letterhead: LetterheadForm::of(&letterhead),
            heading_codes: self.settings().heading_codes,
            public_url: self.base_url(&actor.tenant),
        };
        let text = serde_json::to_vec(&fixed).map_err(|error| Error::Fault(error.to_string()))?;
        let blob = self.put_blob(actor, text).await?;
        let evidence = Evidence {
            report: written.report.id.clone(),
            version: written.edition.version,
            digest: blob.digest,
            size: blob.size,
            images: fixed.images.iter().filter_map(|image| Some((Blake3::parse(&image.digest)?, image.size))).collect(),
        };
        match self.desk(actor).commit(WriteSet::new().with(Write::Evidence(evidence))).await {
            Ok(()) => Ok((fixed, asked.images)),
            Err(StoreError::Duplicate) => {
                let (report, version) = (&written.report.id, written.edition.version);
                let digest = self.desk(actor).evidence(report, version).await?;
                let digest = digest.ok_or_else(|| Error::Fault("the evidence of a version is gone".into()))?;
                self.read_fixed(actor, digest).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn read_fixed(&self, actor: &Actor, digest: Blake3) -> Result<(Fixed, Vec<KeyImagePixels>), Error> {
        let text = self.get_blob(actor, digest).await?;
        let fixed: Fixed = serde_json::from_slice(&text)
            .map_err(|_error| Error::Fault("the evidence of a version cannot be read".into()))?;
        let mut images = Vec::with_capacity(fixed.images.len());
        for image in &fixed.images {
            let digest = Blake3::parse(&image.digest).ok_or_else(|| Error::Fault("evidence names no digest".into()))?;
            images.push(KeyImagePixels { index: image.index, bytes: self.get_blob(actor, digest).await? });
        }
        Ok((fixed, images))
    }

    /// Whether the archive that is configured answers; `true` where there is none.
    pub(crate) async fn archive_answers(&self, actor: &Actor, written: &ReportVersion) -> Result<bool, Error> {
        if self.desk(actor).evidence(&written.report.id, written.edition.version).await?.is_some() {
            return Ok(true);
        }
        let study = &written.report.study.study_instance_uid;
        let Some(source) = self.study_source(actor, study).await? else { return Ok(true) };
        let asked = self.ask(&*source, study).await;
        Ok(!matches!(asked, Err(error) if error.retry() != Retry::Never))
    }

    /// What the archive knows of the study, and its key images. What could not be had is named.
    async fn ask_archive(&self, actor: &Actor, written: &ReportVersion) -> Result<Asked, Error> {
        let mut asked =
            Asked { study: StudyFacts::default(), missing: Losses::new(), images: Vec::new(), answered: false };
        let report = &written.report;
        let Some(source) = self.study_source(actor, &report.study.study_instance_uid).await? else {
            for index in 0..report.key_images.len() {
                asked.missing.add(format!("keyImages[{index}]"), "no archive is there to fetch the image from");
            }
            return Ok(asked);
        };
        match self.ask(&*source, &report.study.study_instance_uid).await {
            Ok(Some(found)) => {
                asked.answered = true;
                asked.study = found.facts;
                if found.unusable > 0 {
                    let detail = format!("{} series or instances of the archive have no valid UIDs", found.unusable);
                    asked.missing.add("study", detail);
                }
            }
            Ok(None) => asked.missing.add("study", "the archive does not know the study"),
            Err(error) => asked.missing.add("study", format!("the archive could not be asked: {error}")),
        }
        if asked.answered {
            self.fetch_images(&*source, written, &mut asked).await;
        } else {
            for index in 0..report.key_images.len() {
                asked.missing.add(format!("keyImages[{index}]"), "the image could not be fetched from the archive");
            }
        }
        Ok(asked)
    }

    async fn fetch_images(&self, source: &dyn StudySource, written: &ReportVersion, asked: &mut Asked) {
        for (index, key) in written.report.key_images.iter().enumerate() {
            let address = ImageAddress {
                study_instance_uid: written.report.study.study_instance_uid.clone(),
                series_instance_uid: key.image.series_instance_uid.clone(),
                sop_instance_uid: key.image.sop_instance_uid.clone(),
                frame: key.image.frame,
                longest_side_px: Some(IMAGE_SIDE_PX),
            };
            let path = format!("keyImages[{index}]");
            let limit = self.settings().archive_timeout;
            let late =
                |_elapsed| SourceError::Unavailable { detail: "no answer in time".into(), retry: Retry::Backoff };
            let rendered =
                tokio::time::timeout(limit, source.rendered(&address)).await.map_err(late).and_then(|answer| answer);
            match rendered {
                Ok(Some(image)) => asked.images.push(KeyImagePixels { index, bytes: image.bytes }),
                Ok(None) => asked.missing.add(path, "the archive does not hold the image"),
                Err(error) => asked.missing.add(path, format!("the image could not be fetched: {error}")),
            }
        }
    }

    /// The archive that is asked about a study; none where nobody but this gateway could know it, and it does
    /// not.
    async fn study_source(&self, actor: &Actor, study: &Uid) -> Result<Option<Box<dyn StudySource>>, Error> {
        let name = match &self.settings().archive {
            Archive::Local => {
                let local = LocalArchive::with_study(self, actor, study).await?;
                return Ok(local.map(|local| Box::new(local) as Box<dyn StudySource>));
            }
            Archive::Sample => return Ok(Some(Box::new(SampleArchive))),
            Archive::Peer(name) => name,
        };
        let peer = self.find_peer(actor, name).await?;
        let peer = peer.ok_or_else(|| Error::Fault("the archive is not among the peers".into()))?;
        let clock = std::sync::Arc::clone(&self.shared.clock);
        let source = crate::remote::source(&peer, clock).await;
        let source = source.map_err(|error| Error::Fault(format!("the archive cannot be asked: {error}")))?;
        source.map(Some).ok_or_else(|| Error::Fault("the archive must be of kind orthanc or dicomweb".into()))
    }

    /// What the archive says of a study, within the time that it has.
    async fn ask(&self, source: &dyn StudySource, study: &Uid) -> Result<Option<FoundStudy>, SourceError> {
        let limit = self.settings().archive_timeout;
        let late = |_elapsed| SourceError::Unavailable { detail: "no answer in time".into(), retry: Retry::Backoff };
        tokio::time::timeout(limit, source.study(study)).await.map_err(late)?
    }
}

impl Ops {
    /// Keeps bytes as a blob of the tenant. They are on the disk when this returns.
    pub(super) async fn put_blob(&self, actor: &Actor, bytes: Vec<u8>) -> Result<BlobRef, Error> {
        let key = self.store().data_key(&actor.tenant)?;
        Ok(self.blobs().put_bytes(&actor.tenant, &key, bytes.into()).await?)
    }

    /// The bytes of a blob, whole.
    pub(super) async fn get_blob(&self, actor: &Actor, digest: Blake3) -> Result<Vec<u8>, Error> {
        let bytes = self.blobs().read(&actor.tenant, &self.store().keyring(), digest, MAX_BLOB_BYTES).await?;
        Ok(bytes.into())
    }
}

/// Greatest blob that is taken into memory whole: renditions and images of reports.
const MAX_BLOB_BYTES: u64 = 256 << 20;
/// Longest side of a key image on a page, in pixels.
const IMAGE_SIDE_PX: u32 = 1024;
