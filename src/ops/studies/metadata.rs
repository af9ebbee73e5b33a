//! The metadata of studies: what was made ready when the instances came, copied out.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::access::Actor;
use crate::base::Blake3;
use crate::dicom::json;
use crate::dicom::query::StudyScope;
use crate::store::StoredInstance;

use super::super::{Error, Ops};

/// Metadata of instances as a DICOM JSON array.
pub struct Metadata {
    /// How many instances.
    pub instances: usize,
    /// Changes whenever the metadata does; for entity tags.
    pub digest: Blake3,
    ops: Ops,
    actor: Actor,
    held: Vec<StoredInstance>,
}

impl Ops {
    /// The metadata of a study, series or instance, ordered as [`Ops::held_instances`] orders. Not found if there is
    /// nothing that the actor may see.
    pub async fn study_metadata(&self, actor: &Actor, scope: &StudyScope) -> Result<Metadata, Error> {
        let held = self.stored_instances(actor, scope).await?;
        let mut hasher = blake3::Hasher::new();
        for instance in &held {
            hasher.update(instance.instance_uid.as_str().as_bytes());
            hasher.update(instance.data_set_digest.as_bytes());
        }
        let digest = Blake3::from_hasher(&hasher);
        Ok(Metadata { instances: held.len(), digest, ops: self.clone(), actor: actor.clone(), held })
    }
}

impl Metadata {
    /// The JSON array in pieces, in bounded memory. `retrieve_base` is the URL of the DICOMweb service, without a
    /// slash at its end; every `BulkDataURI` is
    /// `{retrieve_base}/studies/{s}/series/{e}/instances/{i}/bulkdata/{way}`, where the way is a tag in eight
    /// hexadecimal digits, behind tag and number of each item that it lies in: `00081140/1/00420011`.
    pub fn body(self, retrieve_base: &str) -> BoxStream<'static, Result<Bytes, Error>> {
        let begun = Writing {
            left: self.held.into(),
            ops: self.ops,
            actor: self.actor,
            base: retrieve_base.to_owned(),
            is_first: true,
        };
        stream::try_unfold(Some(begun), async |writing| match writing {
            Some(writing) => writing.next().await,
            None => Ok(None),
        })
        .boxed()
    }
}

struct Writing {
    left: VecDeque<StoredInstance>,
    ops: Ops,
    actor: Actor,
    base: String,
    is_first: bool,
}

impl Writing {
    async fn next(mut self) -> Result<Option<(Bytes, Option<Self>)>, Error> {
        let part: Vec<StoredInstance> = self.left.drain(..self.left.len().min(PART)).collect();
        let numbers: Vec<i64> = part.iter().map(|instance| instance.no).collect();
        let kept = self.ops.desk(&self.actor).instance_metadata(&numbers).await?;
        let (base, is_last) = (self.base.clone(), self.left.is_empty());
        let was_first = self.is_first;
        let write = move || {
            let mut is_first = was_first;
            let mut out = Vec::with_capacity(part.len() * 4096 + 2);
            if is_first {
                out.push(b'[');
            }
            // One that was deleted meanwhile is left out.
            for (instance, json) in part.iter().filter_map(|instance| Some((instance, kept.get(&instance.no)?))) {
                if !std::mem::take(&mut is_first) {
                    out.push(b',');
                }
                let StoredInstance { study_uid, series_uid, instance_uid, .. } = instance;
                let url = format!("{base}/studies/{study_uid}/series/{series_uid}/instances/{instance_uid}");
                json::with_instance_url(json.as_bytes(), &url, &mut out);
            }
            if is_last {
                out.push(b']');
            }
            (out, is_first)
        };
        let (out, is_first) = if numbers.len() <= SHORT { write() } else { self.ops.on_cpu(write).await? };
        self.is_first = is_first;
        Ok(Some((Bytes::from(out), (!is_last).then_some(self))))
    }
}

/// Instances of a piece.
const PART: usize = 256;
/// Instances that are written at once.
const SHORT: usize = 8;
