/**
 * @module How many people are tested: what the attack on cover traffic and the capacity model both go by.
 */

/**
 * Laboratory tests a person and day: two million a week among 83 million, as Germany's laboratories counted at their peaks of 2021
 * (RKI, "Erfassung der SARS-CoV-2-Testzahlen in Deutschland").
 */
export const TESTS_PER_PERSON_AND_DAY = 2_000_000 / 7 / 83_000_000;
