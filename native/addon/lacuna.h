#pragma once

#include "napi.h"

// Adds the object `lacuna` to the exports of node-llama-cpp's addon; its type is src/engine/native.ts
void lacunaInit(Napi::Env env, Napi::Object exports);

// Whether models loaded from now on may have weights in repacked buffers: those of the FFN, and others
bool lacunaRepackFfn();
bool lacunaRepackOthers();
