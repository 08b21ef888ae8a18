/**
 * Evidence as a map: how much less likely the words of a passage become without a cell.
 *
 * A word's map is drawn before its place is tested; a passage's only where the test says that it
 * depends on the place.
 *
 * @import { EvidenceMapsOut, PassageEvidence } from "../../api_types"
 * @import { EvidenceGlow, HeatMap } from "../../page_types"
 */

/** What a whole scale is at least where no test stands behind it, nats: noise stays dark. */
const LEAST_NATS = 0.1;
const KIND = "What it depends on (change of log-probability)";
const QUICK = "Quick form: attention × gradient; no unit, not tested";

/** The greatest loss of a passage, in nats; in the quick form without a unit. @param {PassageEvidence} passage */
export function topOf({ losses }) {
  return losses.reduce((most, loss) => Math.max(most, loss), 0);
}

/**
 * @param {EvidenceMapsOut} told
 * @param {PassageEvidence} passage
 * @param {string} title
 * @param {PassageEvidence[]} together passages that share the scale
 * @returns {EvidenceGlow}
 */
export function evidenceGlow(told, passage, title, together = [passage]) {
  const test = passage.test;
  const untested = told.method.quick ? "quick" : "untested";
  const least = test?.claim === "place" || told.method.quick ? 0 : LEAST_NATS;
  const top = Math.max(least, ...together.map(topOf)) || 1;
  const { map, total } = lossMap(told, passage);
  return {
    view: "evidence",
    title,
    kind: told.method.quick ? QUICK : KIND,
    box: told.box,
    map,
    peak: total > 0 ? (top * map.weights.length) / total : 1,
    top,
    unit: told.unit,
    verdict: test?.claim ?? untested,
    sentence: test?.sentence ?? "",
  };
}

/**
 * Losses as weights that sum to 1; cells without which the words become likelier have none.
 * @param {Pick<EvidenceMapsOut, "columns"|"rows">} told
 * @param {PassageEvidence} passage
 * @returns {{map: HeatMap, total: number}} with the sum of the losses
 */
function lossMap({ columns, rows }, { losses }) {
  const weights = Float64Array.from(losses, (loss) => Math.max(loss, 0));
  const total = weights.reduce((sum, loss) => sum + loss, 0);
  const shares = total > 0 ? weights.map((loss) => loss / total) : weights;
  return { map: { columns, rows, weights: shares, imageShare: 1, relative: false }, total };
}
