//! What Airbyte answers, or does not.
