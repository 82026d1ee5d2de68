/**
 * A provider of OpenID Connect, certified elsewhere, for people who try to get past the gate.
 *
 *     node provider.mjs [--alg RS256] [--port 0]
 *
 * It says in one line of JSON where it is, then obeys words on its input, each answered by one line of JSON when it is
 * done: `rotate` (a new signing key; the old one is gone), `down` and `up` (refuses connections, at the same port
 * afterwards), `ttl 5` (tokens issued from now on end after so many seconds), `quit`. It also ends when its input does.
 */

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";

import Provider, { interactionPolicy } from "oidc-provider";

// What the library has to say must not stand among our lines.
globalThis.console = new console.Console(process.stderr);

const CLIENT = "countersign-cli";
const REDIRECT = "http://127.0.0.1/signed-in";
/** The gate as tokens name it: what a client asks for, and what `aud` of an access token is. */
const RESOURCE = "https://gate.example.com";
const AUDIENCE = "countersign";
const SCOPES = "openid profile groups";

const PEOPLE = {
  alice: { name: "Alice", groups: ["release", "security"] },
  bob: { name: "Bob", groups: ["developers"] },
};

const KEYS = {
  RS256: ["rsa", { modulusLength: 2048 }],
  PS256: ["rsa", { modulusLength: 2048 }],
  ES256: ["ec", { namedCurve: "P-256" }],
  EdDSA: ["ed25519", {}],
};

const { values: options } = parseArgs({
  options: { alg: { type: "string", default: "RS256" }, port: { type: "string", default: "0" } },
});
if (!Object.hasOwn(KEYS, options.alg)) {
  throw new Error(`found the algorithm ${options.alg}; allowed: ${Object.keys(KEYS).join(", ")}`);
}

/** Outlives a rotation, so that whoever is signed in stays so. */
const cookieKeys = [randomBytes(16).toString("hex")];
let ttl = 300;
let keysMade = 0;
let provider;
let answer;

function newKey() {
  const { privateKey } = generateKeyPairSync(...KEYS[options.alg]);
  keysMade += 1;
  return { ...privateKey.export({ format: "jwk" }), kid: `key-${keysMade}`, alg: options.alg, use: "sig" };
}

/** The account of somebody, as the provider asks for it. */
function findAccount(_, id) {
  return PEOPLE[id] && { accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) };
}

/** Nobody is asked for consent, for the client is the gate's own; not even because it runs on somebody's machine. */
function prompts() {
  const policy = interactionPolicy.base();
  policy.get("consent").checks.remove("native_client_prompt");
  return policy;
}

async function grantOf(ctx) {
  const grant = new ctx.oidc.provider.Grant({
    clientId: ctx.oidc.client.clientId,
    accountId: ctx.oidc.session.accountId,
  });
  grant.addOIDCScope(SCOPES);
  await grant.save();
  return grant;
}

/** What an access token says beyond the usual, like the ID token. */
function extraTokenClaims(ctx, token) {
  const authTime = ctx.oidc.entities.AuthorizationCode?.authTime;
  return { ...PEOPLE[token.accountId], auth_time: authTime };
}

function configuration(key) {
  return {
    jwks: { keys: [key] },
    clients: [
      {
        client_id: CLIENT,
        application_type: "native",
        token_endpoint_auth_method: "none",
        redirect_uris: [REDIRECT],
        grant_types: ["authorization_code"],
        response_types: ["code"],
        id_token_signed_response_alg: options.alg,
        require_auth_time: true,
      },
    ],
    cookies: { keys: cookieKeys },
    claims: { openid: ["sub", "auth_time"], profile: ["name"], groups: ["groups"] },
    scopes: SCOPES.split(" "),
    conformIdTokenClaims: false,
    ttl: {
      AccessToken: () => ttl,
      IdToken: () => ttl,
      AuthorizationCode: 60,
      Grant: 600,
      Session: 600,
      Interaction: 60,
    },
    findAccount,
    loadExistingGrant: grantOf,
    extraTokenClaims,
    pkce: { required: () => true },
    interactions: { policy: prompts(), url: (_, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: () => ({
          scope: "",
          audience: AUDIENCE,
          accessTokenFormat: "jwt",
          accessTokenTTL: ttl,
          jwt: { sign: { alg: options.alg } },
        }),
      },
    },
  };
}

/** A provider with one fresh key. What was issued stays in the library's memory, which all of them share. */
function renew(issuer) {
  const key = newKey();
  provider = new Provider(issuer, configuration(key));
  answer = provider.callback();
  return key.kid;
}

/** The page on which people sign in: a name is enough. */
async function signIn(request, response) {
  if (request.method === "GET") {
    await provider.interactionDetails(request, response);
    response.setHeader("content-type", "text/html");
    response.end('<form method="post"><input name="login"><button>Sign in</button></form>\n');
    return;
  }
  const login = new URLSearchParams(await text(request)).get("login");
  if (!Object.hasOwn(PEOPLE, login ?? "")) {
    response.statusCode = 403;
    response.end(`nobody here is called ${JSON.stringify(login)}\n`);
    return;
  }
  await provider.interactionFinished(request, response, { login: { accountId: login } });
}

async function handle(request, response) {
  try {
    await (request.url.startsWith("/interaction/") ? signIn(request, response) : answer(request, response));
  } catch (error) {
    response.statusCode = 400;
    response.end(`${error.message}\n`);
  }
}

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function listen(server, port) {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server.address().port;
}

async function close(server) {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

const server = createServer(handle);
const port = await listen(server, Number(options.port));
const issuer = `http://127.0.0.1:${port}`;
const kid = renew(issuer);
say({ issuer, port, kid, client_id: CLIENT, redirect_uri: REDIRECT, resource: RESOURCE, audience: AUDIENCE });

const words = {
  rotate: () => ({ kid: renew(issuer) }),
  down: () => close(server),
  up: async () => ({ port: await listen(server, port) }),
  ttl: (seconds) => ({ ttl: (ttl = Number(seconds)) }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [word, ...rest] = line.trim().split(" ");
  if (word === "quit") {
    break;
  }
  const said = Object.hasOwn(words, word)
    ? { done: word, ...(await words[word](...rest)) }
    : { error: `found the word ${word}; allowed: ${Object.keys(words).join(", ")}, quit` };
  say(said);
}
if (server.listening) {
  await close(server);
}
// An input that is still open would keep this process alive.
process.stdin.destroy();
