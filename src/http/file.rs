//! Renditions as files: streamed from the blob store, decrypted chunk by chunk.

use std::io;

use actix_web::{HttpRequest, HttpResponse};
use futures_util::TryStreamExt;

use crate::access::Actor;
use crate::ops::{self, Ops};
use crate::store::Rendition;

use super::{Disposition, Download, EntityTag, HttpError};

/// The answer with the bytes of a rendition.
pub(super) async fn rendition(
    ops: &Ops,
    actor: &Actor,
    request: &HttpRequest,
    rendition: &Rendition,
) -> Result<HttpResponse, HttpError> {
    let download = Download {
        content_type: rendition.twin.media_type().to_owned(),
        total: rendition.size,
        tag: EntityTag::strong(rendition.sha256.to_hex()),
        modified: Some(rendition.created_at),
        // Neither patient nor study: the name ends up in places that are nobody's to guard.
        name: format!("report-{}-v{}.{}", rendition.report, rendition.version, rendition.twin.extension()),
        disposition: Disposition::Attachment,
    };
    let (tenant, digest) = (actor.tenant.clone(), rendition.digest);
    download
        .respond(request, |range| async move {
            let keys = ops.store().keyring();
            let stream = ops.blobs().get_range(&tenant, &keys, digest, range).await.map_err(ops::Error::from)?;
            Ok(stream.body.map_err(io::Error::other))
        })
        .await
}
