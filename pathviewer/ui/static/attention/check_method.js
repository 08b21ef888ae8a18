/**
 * How a deletion check masked, and what its controls say of that.
 *
 * @import { CheckMethodOut } from "../../api_types"
 */

/**
 * @param {CheckMethodOut} method
 * @param {string} model
 * @returns {string} for people
 */
export function methodSentence({ fill, version, controls, current }, model) {
  if (!current)
    return `An older check, masked in ${fill}, which failed its own control; run it again.`;
  const masked = `Masked by ${fill} (check version ${version}).`;
  if (!controls)
    return `${masked} Its controls are not measured for this model; run \`python -m pathviewer bench maps --model ${model}\`.`;
  const truth = interval(
    controls.positive_control,
    controls.positive_control_low,
    controls.positive_control_high,
  );
  const random = interval(
    controls.negative_control,
    controls.negative_control_low,
    controls.negative_control_high,
  );
  const failure = controls.passed
    ? ""
    : " The check failed its controls, so its verdicts say little.";
  return `${masked} Control: the true evidence matters in ${truth}, a random place in ${random} of comparisons.${failure}`;
}

/**
 * @param {number} share
 * @param {number} low
 * @param {number} high
 */
function interval(share, low, high) {
  const [mean, from, to] = [share, low, high].map((value) => Math.round(value * 100));
  return `${mean} % (${from} to ${to})`;
}
