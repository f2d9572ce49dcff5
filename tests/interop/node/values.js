// Values as node soap writes and reads them, and as JSON has them.
'use strict';

// node soap has no notion of an array in section 5 encoding: it writes repeated elements, so they get their parent here.
exports.encoded = function encoded(value) {
  if (Array.isArray(value)) return { item: value.map(encoded) };
  if (value instanceof Object) return mapped(value, encoded);
  return value;
};

// It keeps each element's attributes beside its value, and gives numbers in arrays as text.
exports.decoded = function decoded({ attributes = {}, $value, ...members }) {
  const { type, arrayType } = mapped(attributes, (text) => text.replace(/^.*:/, ''), (name) => name.replace(/^.*:/, ''));
  if (arrayType) return [].concat(members.item ?? []).map(decoded);
  if (type === 'int' || type === 'long') return Number($value);
  if (type === 'string') return $value ?? '';
  if (type === 'date') return $value.toISOString().slice(0, 10);
  if (type === 'dateTime') return $value.toISOString().replace('.000Z', 'Z');
  return $value ?? mapped(members, decoded);
};

function mapped(object, value, name = (same) => same) {
  return Object.fromEntries(Object.entries(object).map(([key, member]) => [name(key), value(member)]));
}
