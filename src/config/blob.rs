//! `[blob]`: where the bytes of renditions, originals and exports are.

use std::path::PathBuf;

use super::kind::{BlobUrl, EnvironmentSecret, HttpUrl};
use super::section::section;

section! {
    /// The blob store: what arrived, what was rendered, what was exported. It is always encrypted.
    Blob {
        /// Where it is. `memory:` is for tests: it forgets everything at the end.
        url: BlobUrl = BlobUrl::Directory("{data_dir}/blobs".into());
    }
    sections {
        /// Access to a bucket, for `blob.url = "s3://…"`.
        s3: S3 = S3::default();
    }
}

section! {
    /// Access to a bucket, for `blob.url = "s3://…"`.
    S3 {
        /// Address of the service, where it is not that of Amazon.
        endpoint: Option<HttpUrl> = None;
        /// Region of the bucket. Not set: `us-east-1`, or what `AWS_REGION` says where no access key is set.
        region: Option<String> = None;
        /// Access key. Not set: what the machine itself is entitled to (`AWS_*` variables, web identity,
        /// instance role).
        access_key_id: Option<String> = None;
        /// File that holds the secret of the access key.
        secret_access_key_file: Option<PathBuf> = None;
        /// The secret of the access key, in the place of `secret_access_key_file`.
        secret_access_key: EnvironmentSecret = EnvironmentSecret::default();
        /// Whether an `endpoint` without TLS may be used.
        allow_http: bool = false;
    }
}
