// A registry on node soap. Reads calls from standard input as JSON, [{"operation": ..., "request": {...}}, ...];
// prints what it read back: [{"reply": {...}} or {"fault": {"code": ..., "string": ..., "detail": ...}}, ...].
// Usage: node client.js URL USER PASSWORD
//        node client.js URL CERTIFICATE KEY AUTHORITY
'use strict';

const fs = require('node:fs');
const https = require('node:https');
const soap = require('soap');
const { decoded, encoded } = require('./values');

async function outcome(client, { operation, request }) {
  try {
    const [reply] = await client[`${operation}Async`]({ [`${operation}Request`]: encoded(request) });
    return { reply: decoded(reply[`${operation}Response`]) };
  } catch (error) {
    const fault = error.root?.Envelope?.Body?.Fault;
    if (!fault) return { fault: { code: 'HTTP', string: error.response?.statusText ?? error.message, detail: null } };
    return { fault: { code: fault.faultcode, string: fault.faultstring, detail: fault.detail ?? null } };
  }
}

async function main([url, ...identity]) {
  const [certificate, key, authority] = identity.length === 3 ? identity.map((path) => fs.readFileSync(path)) : [];
  const agent = new https.Agent({ cert: certificate, key, ca: authority });
  const options = { wsdl_options: { httpsAgent: agent }, preserveWhitespace: true }; // else text is trimmed
  const client = await soap.createClientAsync(`${url}?wsdl`, options, url);
  client.setSecurity(
    certificate ? new soap.ClientSSLSecurity(key, certificate, authority) : new soap.BasicAuthSecurity(...identity),
  );
  const outcomes = [];
  for (const call of JSON.parse(fs.readFileSync(0, 'utf8'))) outcomes.push(await outcome(client, call));
  console.log(JSON.stringify(outcomes));
}

main(process.argv.slice(2));
