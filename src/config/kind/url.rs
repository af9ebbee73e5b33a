//! Places: of the database, of the blobs, of what speaks HTTP.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use url::Url;

use super::plain::expand;
use crate::base::Secret;
use crate::config::setting::{Given, Refusal, Setting};

/// An `http` or `https` URL without user, query and fragment, and without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl(Box<str>);

impl HttpUrl {
    /// Parses and normalises.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        let fits = matches!(url.scheme(), "http" | "https") && url.has_host() && plain && url.fragment().is_none();
        fits.then(|| Self(url.as_str().trim_end_matches('/').into()))
    }

    /// The URL by which this machine reaches a listener.
    pub fn of_listener(address: SocketAddr) -> Self {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        // Port 80 is not written, as the URL parser does not write it either.
        match address.port() {
            80 if ip.is_ipv4() => Self(format!("http://{ip}").into()),
            80 => Self(format!("http://[{ip}]").into()),
            port => Self(format!("http://{}", SocketAddr::new(ip, port)).into()),
        }
    }

    /// The text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Setting for HttpUrl {
    fn shape() -> String {
        "http or https URL".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        Self::parse(given.text()?).ok_or("must be an http or https url without user, query and fragment".into())
    }

    fn write(&self) -> Option<toml::Value> {
        Some(self.as_str().into())
    }
}

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:PATH`: a file that is made if it is not there.
    Sqlite(PathBuf),
    /// `postgres://…`
    Postgres(Url),
}

impl DatabaseUrl {
    /// The URL that reaches PostgreSQL, with `password` in it if there is one, else with its own.
    pub fn postgres(&self, password: Option<&Secret>) -> Option<Secret> {
        let Self::Postgres(url) = self else { return None };
        let mut url = url.clone();
        if let Some(password) = password {
            url.set_password(Some(password.expose())).ok()?;
        }
        Some(Secret::new(String::from(url)))
    }

    /// Whether the URL itself holds a password.
    pub(in crate::config) fn has_password(&self) -> bool {
        matches!(self, Self::Postgres(url) if url.password().is_some())
    }
}

impl fmt::Display for DatabaseUrl {
    /// A password is written as `***`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&redact(url)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

impl Setting for DatabaseUrl {
    fn shape() -> String {
        "`sqlite:PATH` or `postgres://…`".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        let text = given.text()?.trim();
        if let Some(path) = text.strip_prefix("sqlite:") {
            return path_of(path).map(Self::Sqlite).ok_or("must name a file behind sqlite:".into());
        }
        Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "postgres" | "postgresql") && url.has_host())
            .map(Self::Postgres)
            .ok_or("must be sqlite:PATH or postgres://USER@HOST/DATABASE".into())
    }

    fn write(&self) -> Option<toml::Value> {
        Some(self.to_string().into())
    }

    fn expand(&mut self, data_dir: &Path) {
        if let Self::Sqlite(path) = self {
            *path = expand(path, data_dir);
        }
    }
}

/// Where blobs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobUrl {
    /// `file:PATH`: a directory that is made if it is not there.
    Directory(PathBuf),
    /// `s3://BUCKET/PREFIX`
    S3 {
        /// Bucket.
        bucket: String,
        /// Path in the bucket, without slashes at its ends; may be empty.
        prefix: String,
    },
    /// `memory:`: nowhere; everything is gone when the process ends.
    Memory,
}

impl fmt::Display for BlobUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "file:{}", path.display()),
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

impl Setting for BlobUrl {
    fn shape() -> String {
        "`file:PATH`, `s3://BUCKET/PREFIX` or `memory:`".into()
    }

    fn read(given: &Given<'_>) -> Result<Self, Refusal> {
        let text = given.text()?.trim();
        if text == "memory:" {
            return Ok(Self::Memory);
        }
        if let Some(path) = text.strip_prefix("file:") {
            return path_of(path).map(Self::Directory).ok_or("must name a directory behind file:".into());
        }
        text.strip_prefix("s3://").and_then(s3).ok_or("must be file:PATH or s3://BUCKET/PREFIX".into())
    }

    fn write(&self) -> Option<toml::Value> {
        Some(self.to_string().into())
    }

    fn expand(&mut self, data_dir: &Path) {
        if let Self::Directory(path) = self {
            *path = expand(path, data_dir);
        }
    }
}

/// `url` with `***` for its password.
pub(in crate::config) fn redact(url: &Url) -> String {
    let mut url = url.clone();
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return "***".into();
    }
    url.into()
}

fn path_of(text: &str) -> Option<PathBuf> {
    // `file:///var/x` and `file:/var/x` are the same place; `sqlite://x.db` is what some tools write.
    let path = text.strip_prefix("//").unwrap_or(text);
    (!path.is_empty() && !path.contains(['\0', '?', '#'])).then(|| path.into())
}

fn s3(text: &str) -> Option<BlobUrl> {
    let (bucket, prefix) = text.split_once('/').unwrap_or((text, ""));
    let prefix = prefix.trim_matches('/');
    let named = |text: &str, more: &[char]| {
        text.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_') || more.contains(&letter))
    };
    let tame = prefix.split('/').all(|part| part != "." && part != "..") && !prefix.contains("//");
    (!bucket.is_empty() && named(bucket, &[]) && named(prefix, &['/']) && tame)
        .then(|| BlobUrl::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(text: &str) -> Option<DatabaseUrl> {
        DatabaseUrl::read(&Given::Environment(text)).ok()
    }

    fn blob(text: &str) -> Option<BlobUrl> {
        BlobUrl::read(&Given::Environment(text)).ok()
    }

    #[test]
    fn a_database_is_a_file_or_a_server() {
        for text in ["sqlite:/var/x.db", "sqlite:///var/x.db"] {
            assert_eq!(database(text), Some(DatabaseUrl::Sqlite("/var/x.db".into())));
        }
        let url = database("postgres://causeway:old%40@db:5433/reports?sslmode=require").expect("valid");
        assert!(!format!("{url} {url:?}").contains("old"));
        assert!(url.has_password());
        let with = url.postgres(Some(&Secret::new("n w:/?"))).expect("is PostgreSQL");
        assert_eq!(with.expose(), "postgres://causeway:n%20w%3A%2F%3F@db:5433/reports?sslmode=require");
        for bad in ["", "sqlite:", "sqlite:x.db?mode=ro", "mysql://db/x", "postgres:x", "/var/x.db"] {
            assert_eq!(database(bad), None, "{bad}");
        }
    }

    #[test]
    fn blobs_are_in_a_directory_or_a_bucket() {
        assert_eq!(blob("file:///var/blobs"), Some(BlobUrl::Directory("/var/blobs".into())));
        assert_eq!(blob("s3://b"), Some(BlobUrl::S3 { bucket: "b".into(), prefix: String::new() }));
        assert_eq!(blob("s3://b/x/y/"), Some(BlobUrl::S3 { bucket: "b".into(), prefix: "x/y".into() }));
        assert_eq!(blob("memory:"), Some(BlobUrl::Memory));
        for bad in
            ["", "file:", "s3://", "s3:///x", "s3://b/../x", "s3://b/x//y", "s3://key:secret@b/x", "gs://b", "memory"]
        {
            assert_eq!(blob(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_listener_has_a_url_that_this_machine_reaches() {
        for (address, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("0.0.0.0:9000", "http://127.0.0.1:9000"),
            ("[::]:9000", "http://[::1]:9000"),
            ("10.0.0.1:80", "http://10.0.0.1"),
            ("[::1]:80", "http://[::1]"),
        ] {
            let made = HttpUrl::of_listener(address.parse().expect("valid"));
            assert_eq!(made.as_str(), url);
            assert_eq!(HttpUrl::parse(url), Some(made), "the form that the parser gives");
        }
    }

    #[test]
    fn an_http_url_has_no_slash_at_its_end() {
        assert_eq!(
            HttpUrl::parse("https://Example.ORG/gw/").map(|url| url.to_string()),
            Some("https://example.org/gw".into())
        );
        for bad in ["", "example.org", "ftp://x", "http://", "http://u:p@x", "http://x?y", "http://x#y", "file:/x"] {
            assert_eq!(HttpUrl::parse(bad), None, "{bad}");
        }
    }
}
