//! The one place where a configuration is read from disk and environment.

use std::io::{ErrorKind, IsTerminal, Read};
use std::path::{Path, PathBuf};

use super::error::{ConfigError, ConfigErrors};
use super::{Config, Environment, FileText, Letterhead, Sources};
use crate::base::Secret;

/// Loads the configuration of this process: the file `path`, or `causeway.toml` in the working directory
/// if there is one; the environment; the overrides of the command line. Secrets are read from the files
/// that the configuration names.
pub fn from_disk_and_env(path: Option<&Path>, flags: &[String]) -> Result<Config, ConfigErrors> {
    let sources = Sources {
        file: configuration_file(path).map_err(|error| ConfigErrors(vec![error]))?,
        environment: Environment::of_process(),
        flags: flags.to_vec(),
        terminal: std::io::stderr().is_terminal(),
    };
    let mut config = Config::load(&sources)?;
    let errors = read_secrets(&mut config);
    if errors.is_empty() { Ok(config) } else { Err(ConfigErrors(errors)) }
}

/// The bytes of `letterhead.logo_file`, if one is set. Whether they are an image is seen by whoever draws
/// it.
pub fn read_logo(letterhead: &Letterhead) -> Result<Option<Vec<u8>>, ConfigErrors> {
    let Some(path) = &letterhead.logo_file else { return Ok(None) };
    match read_capped(path, LOGO_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(detail) => Err(ConfigErrors(vec![file_error("letterhead.logo_file", path, detail)])),
    }
}

/// The text of a file that holds a secret, without white space around it.
pub(super) fn read_secret(path: &Path) -> Result<Secret, String> {
    let bytes = zeroize::Zeroizing::new(read_capped(path, SECRET_BYTES)?);
    let text = std::str::from_utf8(&bytes).map_err(|_not_text| "is not text".to_owned())?.trim();
    if text.is_empty() { Err("is empty".into()) } else { Ok(Secret::new(text)) }
}

fn configuration_file(path: Option<&Path>) -> Result<Option<FileText>, ConfigError> {
    let name = path.unwrap_or(Path::new("causeway.toml"));
    if path.is_none() && !name.exists() {
        return Ok(None);
    }
    let text = read_capped(name, FILE_BYTES)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_not_text| "is not unicode text".to_owned()));
    match text {
        Ok(text) => Ok(Some(FileText { name: name.display().to_string(), text })),
        Err(detail) => Err(file_error("configuration file", name, detail)),
    }
}

fn read_secrets(config: &mut Config) -> Vec<ConfigError> {
    let s3 = &mut config.blob.s3;
    let database = &mut config.database;
    let pairs = [
        ("database.password_file", &database.password_file, &mut database.password),
        ("blob.s3.secret_access_key_file", &s3.secret_access_key_file, &mut s3.secret_access_key),
    ];
    let mut errors = Vec::new();
    for (key, file, secret) in pairs {
        let Some(path) = file else { continue };
        match read_secret(path) {
            Ok(text) => secret.0 = Some(text),
            Err(detail) => errors.push(file_error(key, path, detail)),
        }
    }
    errors
}

fn read_capped(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|error| reason(&error))?;
    if bytes.len() as u64 > limit { Err(format!("is larger than {limit} bytes")) } else { Ok(bytes) }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "does not exist".into(),
        ErrorKind::PermissionDenied => "may not be read".into(),
        ErrorKind::IsADirectory => "is a directory".into(),
        kind => format!("cannot be read: {kind}"),
    }
}

fn file_error(key: &str, path: &Path, detail: String) -> ConfigError {
    ConfigError::File { key: key.to_owned(), path: PathBuf::from(path), detail }
}

const FILE_BYTES: u64 = 1024 * 1024;
const SECRET_BYTES: u64 = 64 * 1024;
const LOGO_BYTES: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_out_of_files() {
        let dir = tempfile::tempdir().expect("temp dir");
        let (file, secret) = (dir.path().join("x.toml"), dir.path().join("password"));
        std::fs::write(&secret, "s3cret\n").expect("writes");
        let text = format!(
            "[database]\nurl = 'postgres://u@db/x'\npassword_file = '{}'\n[keys]\nmaster_key_env = 'K'\n",
            secret.display()
        );
        std::fs::write(&file, &text).expect("writes");
        let config = from_disk_and_env(Some(&file), &[]).expect("valid");
        let url = config.database.postgres_url().expect("is PostgreSQL");
        assert_eq!(url.expose(), "postgres://u:s3cret@db/x");
        assert!(!format!("{config:?} {}", config.show()).contains("s3cret"));

        for (content, message) in [(Some(""), "is empty"), (None, "does not exist")] {
            match content {
                Some(content) => std::fs::write(&secret, content).expect("writes"),
                None => std::fs::remove_file(&secret).expect("removes"),
            }
            let errors = from_disk_and_env(Some(&file), &[]).expect_err("no secret").to_string();
            assert!(errors.starts_with("database.password_file: ") && errors.ends_with(message), "{errors}");
        }
        let missing = from_disk_and_env(Some(&dir.path().join("missing.toml")), &[]).expect_err("no file");
        assert!(missing.to_string().ends_with("does not exist"), "{missing}");
    }
}
