//! Faults in the body of a request: JSON, or lines as on the command line.

use serde_json::Value;

use crate::fault::{BadFault, Fault};

/// Why a body holds no faults.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadFaults {
    /// Nothing at all.
    #[error("the body names no fault")]
    Empty,
    /// Not even text.
    #[error("faults are JSON or lines of text")]
    NotText,
    /// It begins like JSON and does not go on like it.
    #[error("the faults are not JSON: {0}")]
    NotJson(serde_json::Error),
    /// One of them is none.
    #[error(transparent)]
    Bad(#[from] BadFault),
}

/// Reads one fault or several: a JSON object, an array of objects and texts, or one fault a line.
pub(super) fn read(body: &[u8]) -> Result<Vec<Fault>, BadFaults> {
    let text = std::str::from_utf8(body).map_err(|_| BadFaults::NotText)?.trim();
    if text.is_empty() {
        return Err(BadFaults::Empty);
    }
    if !text.starts_with(['{', '[', '"']) {
        return Ok(text.lines().map(str::parse).collect::<Result<_, _>>()?);
    }
    let json: Value = serde_json::from_str(text).map_err(BadFaults::NotJson)?;
    let faults = match &json {
        Value::Array(faults) => faults.iter().map(one).collect::<Result<_, _>>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            one(&json).map(|fault| vec![fault])
        }
    };
    Ok(faults?)
}

fn one(json: &Value) -> Result<Fault, BadFault> {
    json.as_str().map_or_else(|| Fault::try_from(json), str::parse)
}

#[cfg(test)]
mod tests {
    use super::{Fault, read};

    #[test]
    fn faults_come_as_lines_objects_and_lists() {
        let two = [Fault::status(503).times(2), Fault::hang()];
        for body in [
            "status=503,times=2\nhang\n",
            r#"[{"status":503,"times":2},{"hang":true}]"#,
            r#"["status=503,times=2","hang"]"#,
        ] {
            assert_eq!(read(body.as_bytes()).unwrap(), two, "{body}");
        }
        assert_eq!(read(br#"{"hang":true}"#).unwrap(), two[1..]);
    }

    #[test]
    fn what_is_no_fault_is_refused() {
        for body in ["", "hang\nsleep", "{", "[1]", "[[]]"] {
            read(body.as_bytes()).unwrap_err();
        }
        read(b"\xff").unwrap_err();
    }
}
