//! The sizes and mixtures that have a name.

use super::sequence::Mix;

/// A kind of catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Enough to see every part once: 300 documents.
    Tiny,
    /// A department's server: 5,000.
    Small,
    /// A well kept server of a company: 20,000.
    Std,
    /// What an offline scan file holds, software only: 137,000.
    Wsusscn2,
    /// A server that synchronises nearly everything: 200,000, half of them drivers.
    Mu,
    /// Documents that no publisher should have let out, between ordinary ones: 500.
    Hostile,
}

/// What determines a catalogue, with the version of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The kind.
    pub preset: Preset,
    /// The seed.
    pub seed: u64,
    /// Documents.
    pub count: u64,
    /// Whether one Core fragment has 47 MB, as the largest real one has.
    pub huge_core: bool,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 6] =
        [Self::Tiny, Self::Small, Self::Std, Self::Wsusscn2, Self::Mu, Self::Hostile];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tiny => "tiny",
            Self::Small => "small",
            Self::Std => "std",
            Self::Wsusscn2 => "wsusscn2",
            Self::Mu => "mu",
            Self::Hostile => "hostile",
        }
    }

    /// How many documents it has unless told otherwise.
    pub fn count(self) -> u64 {
        match self {
            Self::Tiny => 300,
            Self::Small => 5_000,
            Self::Std => 20_000,
            Self::Wsusscn2 => 137_000,
            Self::Mu => 200_000,
            Self::Hostile => 500,
        }
    }

    /// A step that publishes a driver makes one document, one that publishes a release more than
    /// two. Tiny, small and std are one catalogue in three sizes.
    pub(super) fn mix(self) -> Mix {
        let drivers = match self {
            Self::Tiny | Self::Small | Self::Std | Self::Hostile => 140,
            Self::Wsusscn2 => 0,
            Self::Mu => 755,
        };
        Mix { drivers, hostile: self == Self::Hostile }
    }
}

impl Settings {
    /// A preset with its own count, under the first seed.
    pub fn new(preset: Preset) -> Self {
        Self { preset, seed: 1, count: preset.count(), huge_core: false }
    }
}
