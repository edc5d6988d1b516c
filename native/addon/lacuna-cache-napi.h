#pragma once

#include "napi.h"

// What src/engine/kvCache.ts calls
void lacunaInitCache(Napi::Env env, Napi::Object lacuna);
