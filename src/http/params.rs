//! The parameters of a path, for handlers: in their order, decoded, and the same at the root as below
//! `/t/{tenant}`.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use super::HttpError;

/// The parameters of a path: one text, or several in their order. The tenant is not among them: a handler
/// does not know below which prefix its route stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params<T>(T);

/// A number of texts.
pub trait Texts: Sized {
    /// As many as it holds, if they are there.
    fn take(texts: impl Iterator<Item = String>) -> Option<Self>;
}

impl<T> Params<T> {
    /// The texts.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Params<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl Texts for String {
    fn take(mut texts: impl Iterator<Item = String>) -> Option<Self> {
        texts.next()
    }
}

impl Texts for (String, String) {
    fn take(mut texts: impl Iterator<Item = String>) -> Option<Self> {
        Some((texts.next()?, texts.next()?))
    }
}

impl Texts for (String, String, String) {
    fn take(mut texts: impl Iterator<Item = String>) -> Option<Self> {
        Some((texts.next()?, texts.next()?, texts.next()?))
    }
}

impl<T: Texts> FromRequest for Params<T> {
    type Error = HttpError;
    type Future = Ready<Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let names = request.match_info().iter().map(|(name, _)| name);
        let decoded = web::Path::<Vec<String>>::extract(request).into_inner();
        let found = decoded.ok().and_then(|decoded| {
            let named = names.zip(decoded.into_inner());
            T::take(named.filter(|(name, _)| *name != TENANT).map(|(_, text)| text))
        });
        ready(found.map(Self).ok_or(HttpError::Fault))
    }
}

/// Name of the parameter that the entrance reads.
const TENANT: &str = "tenant";

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[actix_web::test]
    async fn the_tenant_is_not_among_them() {
        for prefix in [None, Some("north")] {
            let mut request = TestRequest::default();
            if let Some(tenant) = prefix {
                request = request.param("tenant", tenant);
            }
            let request = request.param("type", "Patient").param("id", "a%20b").to_http_request();
            let first = Params::<String>::extract(&request).await.expect("is there");
            assert_eq!(*first, "Patient");
            let both = Params::<(String, String)>::extract(&request).await.expect("are there");
            assert_eq!(both.into_inner(), ("Patient".to_owned(), "a b".to_owned()));
            Params::<(String, String, String)>::extract(&request).await.expect_err("there is no third");
        }
    }
}
