//! The bearer token of a request. RFC 6750 §2.1: from the Authorization header and nowhere else.

use actix_web::http::header::{self, HeaderMap};

use super::HttpError;

/// The token, if one is shown. Two Authorization headers, a token in the query, or a malformed header are
/// errors; another scheme is as good as no token.
pub(super) fn read<'a>(headers: &'a HeaderMap, query: &str) -> Result<Option<&'a str>, HttpError> {
    let in_query = query.split('&').any(|pair| pair.split('=').next() == Some("access_token"));
    let mut values = headers.get_all(header::AUTHORIZATION);
    let (first, second) = (values.next(), values.next());
    if in_query || second.is_some() {
        return Err(HttpError::BadCredentials);
    }
    let Some(value) = first else {
        return Ok(None);
    };
    let value = value.to_str().map_err(|_error| HttpError::BadCredentials)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Ok(None);
    }
    let token = token.trim_start_matches(' ');
    if is_token68(token) { Ok(Some(token)) } else { Err(HttpError::BadCredentials) }
}

/// RFC 9110 §11.2.
fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).expect("a header value"));
        }
        headers
    }

    #[test]
    fn a_token_comes_from_one_header_only() {
        assert_eq!(read(&headers(&["Bearer a.b-c"]), ""), Ok(Some("a.b-c")));
        assert_eq!(read(&headers(&["bearer  a.b"]), "x=1"), Ok(Some("a.b")));
        assert_eq!(read(&headers(&[]), "accesstoken=1&x=access_token"), Ok(None));
        assert_eq!(read(&headers(&["Basic dXNlcjpwdw=="]), ""), Ok(None));
        for (values, query) in [
            (vec!["Bearer a", "Bearer a"], ""),
            (vec!["Bearer a", "Basic a"], ""),
            (vec!["Bearer a"], "access_token=a"),
            (vec![], "x=1&access_token=a"),
            (vec![], "access_token"),
            (vec!["Bearer"], ""),
            (vec!["Bearer "], ""),
            (vec!["Bearer a b"], ""),
            (vec!["Bearer a,b"], ""),
            (vec!["Bearer =="], ""),
            (vec!["Bearer \u{e4}"], ""),
        ] {
            assert_eq!(read(&headers(&values), query), Err(HttpError::BadCredentials), "{values:?} {query}");
        }
    }

    proptest! {
        #[test]
        fn any_field_is_read_without_panic_and_a_token_is_one_word(value in "(Bearer )?[ -~\\t]{0,40}", query in "\\PC{0,20}") {
            if let Ok(Some(token)) = read(&headers(&[&value]), &query) {
                prop_assert!(!token.is_empty() && !token.contains([' ', '\t', ',', '"']));
            }
        }
    }
}
