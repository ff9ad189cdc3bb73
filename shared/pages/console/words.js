// What the API's words mean, for a person.

import { el } from "./dom.js";

export const REASONS = {
  unknown: "Unknown card",
  revoked: "Revoked",
  unreadable: "Unreadable record",
  not_yet_valid: "Not valid yet",
  expired: "Expired",
  not_here: "Not at this place",
};

const EXPLAINED = {
  unknown: "No access ID has this tag.",
  revoked: "The access ID was revoked.",
  unreadable: "The stored record or its rules cannot be read, so it is refused to be safe.",
  not_yet_valid: "The rules allow it later, not yet.",
  expired: "The rules allowed it until an earlier time.",
  not_here: "The rules do not allow this charge box.",
};

const HOW = {
  serial_suffix_off: "without the serial number at its end",
  prefix_off: "without a prefix",
  mac_padding: "padded to the length of a card number",
  emaid_check_character: "with or without the check character",
  bytes_reversed: "bytes in reverse order",
  hex_to_decimal: "written as a decimal number",
  hex_to_decimal_reversed: "in reverse order, written as a decimal number",
  decimal_to_hex: "written in hex",
  decimal_to_hex_reversed: "written in hex, in reverse order",
  decimal_reversed: "another byte order of the decimal number",
  leading_zeros: "with or without leading zeros",
  trailing_zero_bytes: "with or without zero bytes at the end",
  first_bytes: "the first bytes of a longer card number",
  last_byte_off: "without the last byte",
  xor_byte_on: "with a check byte at the end",
  ascii_codes: "each byte written as a character, or the reverse",
  nibbles_swapped: "the two digits of each byte exchanged",
  bits_inverted: "every bit inverted",
  prefix_on: "with a prefix",
  look_alikes: "characters that look alike exchanged",
  wiegand_number: "the low three bytes as a decimal number",
  wiegand_facility: "three bytes as facility code and number",
};

const RULES = {
  ocppIdTag: "It is a tag",
  authorizationStatus: "Status",
  record: "Record",
  acceptedStart: "A charge has begun here",
  rules: "Rules",
  validFrom: "Valid from",
  validUntil: "Valid until",
  chargeBoxes: "Charge boxes",
};

const STEPS = {
  trimmed: "white space removed at the ends",
  lower_case: "written in lower case",
  uid_separators: "separators of the card number removed",
  mac_notation: "MAC address written without separators",
  emaid_separators: "separators of the contract number removed",
};

const FIELDS = {
  ocppIdTag: "Tag", name: "Name", type: "Type", authorizationStatus: "Status", customer: "Customer", vehicle: "Vehicle", vehicleId: "Vehicle",
  make: "Make", model: "Model", vin: "VIN", licensePlate: "License plate", accessIds: "Access IDs", rules: "Rules",
};

const plain = (word) => String(word).replaceAll("_", " ");

export const reason = (word) => REASONS[word] ?? plain(word);
export const explained = (word) => EXPLAINED[word] ?? plain(word);
export const how = (word) => HOW[word] ?? plain(word);
export const rule = (word) => RULES[word] ?? plain(word);
export const step = (word) => STEPS[word] ?? plain(word);
export const field = (name) => FIELDS[name] ?? FIELDS[String(name).split(".").at(-1)] ?? name;

const OPERATIONS = {
  createAccessId: "Registered", updateAccessId: "Changed", putAccessIdRules: "Rules changed", putAccessIdsBatch: "Imported",
  createVehicle: "Vehicle created", updateVehicle: "Vehicle changed", deleteVehicle: "Vehicle deleted",
  deleteAccessId: "Deleted", createRevocation: "Blocked",
};

/** What an operation does. Of one that is not known here, the words of its name. */
export function operation(name) {
  return OPERATIONS[name] ?? name.replaceAll(/([A-Z])/g, " $1").toLowerCase().replace("access id", "access ID").trim();
}

export function badge(text, kind) {
  return el("span", { class: `badge ${kind}` }, text);
}

export function status(word) {
  return badge(word, word === "Authorized" ? "good" : "bad");
}

export function decision(authorized, word) {
  return authorized ? badge("Authorized", "good") : badge(reason(word), word === "unknown" ? "warn" : "bad");
}

export function plural(count, one, many) {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}
