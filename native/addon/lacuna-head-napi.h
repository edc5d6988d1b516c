#pragma once

#include "lacuna-head.h"
#include "lacuna-threads.h"

#include "lacuna-napi.h"

// null: the context has never been given one
std::shared_ptr<lacuna_head> lacunaHeadOf(AddonContext* context);

// lend: the threads of a context, if it keeps some
void lacunaInitHead(Napi::Env env, Napi::Object lacuna, std::shared_ptr<lacuna_threads> (*threadsOf)(AddonContext* context));
