#pragma once

#include "napi.h"

// quantize(source, target, type, threads) of src/engine/quantize.ts
Napi::Value lacunaQuantize(const Napi::CallbackInfo& info);
