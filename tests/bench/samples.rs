//! Many measurements of one thing, and what stands for them: the median, because a busy machine only ever makes some
//! of them longer.

use std::time::Duration;

#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }

    pub(crate) fn push_micros(&mut self, sample: Duration) {
        self.push(sample.as_secs_f64() * 1e6);
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The least sample that at least this share of all samples does not exceed; not a number where there are none.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: &[f64]) -> Samples {
        Samples(samples.to_vec())
    }

    #[test]
    fn the_median_is_not_moved_by_one_long_sample() {
        assert!((of(&[3.0, 1.0, 900.0, 2.0, 2.5]).median() - 2.5).abs() < 1e-9);
    }

    #[test]
    fn a_quantile_is_a_sample() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        for (share, sample) in [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)] {
            assert!((of(&hundred).quantile(share) - sample).abs() < 1e-9, "{share}");
        }
    }

    #[test]
    fn nothing_measured_is_no_number() {
        assert!(Samples::default().median().is_nan());
    }
}
