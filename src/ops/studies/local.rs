//! The gateway's own archive as a source of facts and images for reports.

use futures_util::future::BoxFuture;

use crate::access::Actor;
use crate::base::{Retry, Uid};
use crate::dicom::pixel::render::{PictureFile, RenderRequest, Viewport};
use crate::dicom::query::StudyScope;
use crate::dicom::source::{FoundStudy, ImageAddress, PictureForm, RenderedImage, SourceError, StudySource};

use super::super::{Error, Ops};
use super::{FrameError, HeldInstance};

/// The studies that are kept here, for a report that is rendered. Who may read the report may see what is in
/// it, so the gateway itself looks.
pub(in crate::ops) struct LocalArchive {
    ops: Ops,
    actor: Actor,
}

impl LocalArchive {
    /// The archive of the tenant of `actor`, if it keeps the study.
    pub(in crate::ops) async fn with_study(ops: &Ops, actor: &Actor, study: &Uid) -> Result<Option<Self>, Error> {
        let actor = Actor::system(actor.tenant.clone(), "report.render", actor.request_id.clone());
        let is_kept = ops.desk(&actor).study_changed_at(study).await?.is_some();
        Ok(is_kept.then(|| Self { ops: ops.clone(), actor }))
    }

    async fn picture(&self, address: &ImageAddress) -> Result<Option<RenderedImage>, FrameError> {
        let scope = StudyScope {
            study: address.study_instance_uid.clone(),
            series: Some(address.series_instance_uid.clone()),
            instance: Some(address.sop_instance_uid.clone()),
        };
        let stored = self.ops.desk(&self.actor).instances(&scope).await.map_err(Error::from)?;
        let Some(stored) = stored.into_iter().next() else { return Ok(None) };
        let image = self.ops.open_image(&self.actor, &HeldInstance::from(stored)).await?;
        let described = image.image();
        let longest = u32::from(described.rows.max(described.columns));
        let side = address.longest_side_px.filter(|side| *side < longest);
        let viewport = side.map(|side| Viewport { width: Some(side), height: Some(side), source: None });
        let request = RenderRequest { viewport, ..RenderRequest::default() };
        let frame = u64::from(address.frame.unwrap_or(1));
        let bytes = self.ops.frame_file(&self.actor, &image, frame, request, PictureFile::Png).await?;
        Ok(Some(RenderedImage { form: PictureForm::Png, bytes }))
    }
}

impl StudySource for LocalArchive {
    fn study<'a>(&'a self, study_instance_uid: &'a Uid) -> BoxFuture<'a, Result<Option<FoundStudy>, SourceError>> {
        Box::pin(async move {
            let facts = self.ops.study_facts(&self.actor, study_instance_uid).await;
            let facts = facts.map_err(|error| source_error(&FrameError::Ops(error)))?;
            Ok(facts.map(|facts| FoundStudy { facts, unusable: 0 }))
        })
    }

    fn rendered<'a>(&'a self, image: &'a ImageAddress) -> BoxFuture<'a, Result<Option<RenderedImage>, SourceError>> {
        Box::pin(async move {
            match self.picture(image).await {
                Err(error) if error.is_absent() => Ok(None),
                other => other.map_err(|error| source_error(&error)),
            }
        })
    }
}

fn source_error(error: &FrameError) -> SourceError {
    match error {
        FrameError::Ops(Error::Busy(_)) => {
            SourceError::Unavailable { detail: "is busy".to_owned(), retry: Retry::Backoff }
        }
        FrameError::Ops(_) => SourceError::Refused { detail: "the study cannot be read".to_owned() },
        FrameError::Pixels(_) | FrameError::Transcode(_) => SourceError::Refused { detail: error.to_string() },
    }
}
