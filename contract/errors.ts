/** One row of the error table: how a failure looks on every surface. Texts may hold `{name}` placeholders. */
export interface ErrorRow {
  /** HTTP status. */
  status: number
  /** `error.type` of the OpenAI surface. */
  type: string
  /** HTTP reason phrase, plain ASCII: some clients show only that. */
  reason: string
  en: string
  zh: string
}

const row = (status: number, type: string, reason: string, en: string, zh: string): ErrorRow => ({
  status,
  type,
  reason,
  en,
  zh,
})
const invalid = (reason: string, en: string, zh: string, status = 400): ErrorRow =>
  row(status, 'invalid_request_error', reason, en, zh)
const upstream = (reason: string, en: string, zh: string, status = 502): ErrorRow =>
  row(status, 'upstream_error', reason, en, zh)

/**
 * Every error that leaves the process, by its code. The code is `error.code` of the OpenAI surface.
 * Server and console share this table, so a code means the same words everywhere.
 */
export const ERRORS = {
  invalid_json: invalid(
    'Invalid JSON',
    'The request body is not valid JSON: {detail}',
    '请求体不是有效的 JSON：{detail}',
  ),
  unsupported_media_type: invalid(
    'Unsupported content type',
    'Content-Type "{got}" is not supported here; send {expected}.',
    '此接口不支持 Content-Type "{got}"，请使用 {expected}。',
  ),
  missing_required_parameter: invalid(
    'Missing parameter',
    "Missing required parameter: '{param}'.",
    '缺少必填参数：{param}。',
  ),
  invalid_value: invalid(
    'Invalid value',
    "Invalid value for '{param}': {detail}",
    '参数 {param} 的值无效：{detail}',
  ),
  string_above_max_length: invalid(
    'String too long',
    "'{param}' is too long: {got} characters, at most {max} are allowed.",
    '{param} 过长：{got} 个字符，最多允许 {max} 个。',
  ),
  invalid_image: invalid(
    'Invalid image',
    "'{param}' is not a picture that can be used: {detail}",
    '{param} 不是可用的图片：{detail}',
  ),
  image_too_large: invalid('Image too large', "'{param}' is too large: {detail}", '{param} 过大：{detail}'),
  request_too_large: invalid(
    'Request too large',
    'The request is too large: {detail}',
    '请求过大：{detail}',
    413,
  ),
  external_image_disabled: invalid(
    'External image disabled',
    "'{param}' points at another site, and fetching foreign pictures is off. Send the picture itself (upload or data URL).",
    '{param} 指向外部网站，而抓取外部图片未开启。请直接上传图片或使用 data URL。',
  ),
  blocked_address: invalid(
    'Address not allowed',
    "'{param}' points at an address that is not allowed: {detail}",
    '{param} 指向不允许访问的地址：{detail}',
  ),
  model_not_found: invalid(
    'Model not found',
    "The model '{model}' does not exist here. GET /v1/models lists the ones that do.",
    '模型 {model} 不存在，可通过 GET /v1/models 查看可用模型。',
    404,
  ),
  unsupported_operation: invalid(
    'Unsupported by model',
    "The model '{model}' cannot do this: {detail}",
    '模型 {model} 不支持此操作：{detail}',
  ),
  not_found: invalid('Not found', '{what} was not found.', '未找到{what}。', 404),
  image_not_found: invalid('Image not found', 'There is no image with this id.', '图片不存在', 404),
  job_not_found: invalid('Job not found', 'There is no job with this id.', '任务不存在', 404),
  task_not_found: invalid('Task not found', 'There is no task with this id.', '任务不存在', 404),
  record_not_found: invalid('Record not found', 'There is no record with this id.', '记录不存在', 404),
  invalid_count: invalid(
    'Invalid count',
    'The number of pictures must be from 1 to 100.',
    '生成数量必须在 1-100 张之间',
  ),
  invalid_generation: invalid(
    'Invalid request',
    'The request cannot be used. Check it and try again.',
    '请求参数有误，请检查后重试',
  ),
  invalid_arguments: invalid('Invalid arguments', 'The arguments are wrong.', '参数错误'),
  missing_keyword: invalid('Missing keyword', 'Say what to search for.', '请输入搜索关键词'),
  too_many_requests: row(
    429,
    'rate_limit_error',
    'Too many requests',
    'Too many requests. Try again later.',
    '请求过于频繁,请稍后再试',
  ),
  method_not_allowed: invalid(
    'Method not allowed',
    '{method} is not allowed here.',
    '此接口不支持 {method}。',
    405,
  ),
  idempotency_key_reused: invalid(
    'Idempotency key reused',
    'This Idempotency-Key was used before with a different request. Use a new key for a new request.',
    '该 Idempotency-Key 已用于不同的请求，请为新请求使用新的键。',
    409,
  ),
  webhook_not_configured: invalid(
    'Webhook not configured',
    "'webhook_url' needs WEBHOOK_SECRET to be set on the server, so that deliveries can be signed.",
    '使用 webhook_url 需要在服务器上设置 WEBHOOK_SECRET，以便对回调签名。',
  ),
  invalid_api_key: row(
    401,
    'authentication_error',
    'Invalid API key',
    'The API key is missing or wrong. Send it as "Authorization: Bearer <key>", to /v1beta also as "x-goog-api-key: <key>".',
    'API Key 缺失或错误，请使用 "Authorization: Bearer <key>" 发送；/v1beta 也接受 "x-goog-api-key: <key>"。',
  ),
  api_key_disabled: row(
    401,
    'authentication_error',
    'API key disabled',
    'This API key is disabled.',
    'API Key 已禁用',
  ),
  api_key_expired: row(
    401,
    'authentication_error',
    'API key expired',
    'This API key has expired.',
    'API Key 已过期',
  ),
  api_key_not_found: invalid('API key not found', 'There is no such API key.', 'API Key 不存在', 404),
  model_not_allowed: invalid(
    'Model not allowed',
    "This API key may not use the model '{model}'. GET /v1/models lists the ones that it may.",
    '此 API Key 无权使用模型 {model}，可通过 GET /v1/models 查看可用模型。',
    403,
  ),
  daily_limit_reached: row(
    429,
    'insufficient_quota',
    'Daily limit reached',
    'This API key has reached its daily limit of pictures ({max}).',
    '已达到每日请求限制 ({max})',
  ),
  monthly_limit_reached: row(
    429,
    'insufficient_quota',
    'Monthly limit reached',
    'This API key has reached its monthly limit of pictures ({max}).',
    '已达到每月请求限制 ({max})',
  ),
  request_rate_reached: row(
    429,
    'rate_limit_error',
    'Too many requests',
    'This API key has reached its limit of requests per minute ({max}).',
    '已达到每分钟请求限制 ({max})',
  ),
  admin_required: row(
    401,
    'authentication_error',
    'Admin only',
    'This is for the admin: sign in, or send "Authorization: Bearer <ADMIN_KEY>".',
    '需要管理员权限，请先登录，或使用 "Authorization: Bearer <ADMIN_KEY>" 发送。',
  ),
  wrong_login: row(
    401,
    'authentication_error',
    'Wrong login',
    'The user name or the password is wrong.',
    '用户名或密码错误',
  ),
  login_locked: row(
    429,
    'rate_limit_error',
    'Too many wrong logins',
    'Too many wrong passwords. Try again later.',
    '登录失败次数过多，请稍后再试',
  ),
  admin_exists: invalid(
    'Set up already',
    'The admin account has been made already: sign in.',
    '管理员账户已创建，请直接登录',
    409,
  ),
  setup_link_invalid: row(
    403,
    'permission_error',
    'Setup link needed',
    'The setup link is missing, wrong, used or outdated. The server prints a new one when it starts.',
    '设置链接缺失、错误或已失效，服务器启动时会显示新的链接',
  ),
  cross_site_request: row(
    403,
    'permission_error',
    'Request from another site',
    'A signed-in browser may change things only from this site. Programs send "Authorization: Bearer <ADMIN_KEY>".',
    '登录状态下的修改操作只能从本站发起；程序请使用 "Authorization: Bearer <ADMIN_KEY>"。',
  ),
  setting_locked: invalid(
    'Set by environment',
    "'{param}' is set by {detail} in the server's environment and can only be changed there.",
    '{param} 由服务器环境变量 {detail} 设定，只能在那里修改。',
    409,
  ),
  job_cancelled: invalid('Job cancelled', 'The job was cancelled.', '任务已取消', 409),
  interrupted: row(
    503,
    'server_error',
    'Interrupted by restart',
    'The server restarted while this request ran. It is not repeated by itself, because it may have been paid for; pictures that arrived before are in the library.',
    '请求执行期间服务器重启。由于上游可能已计费，不会自动重试；已到达的图片保存在图库中。',
  ),
  translation_not_configured: row(
    503,
    'server_error',
    'No chat model',
    "No upstream here serves the chat model '{model}' that translates prompts. Set OPENAI_API_KEY or another upstream, or OPENAI_MODEL to a chat model that GET /v1/models lists.",
    '没有上游提供用于翻译提示词的聊天模型 {model}。请设置 OPENAI_API_KEY 或其他上游，或将 OPENAI_MODEL 设为 GET /v1/models 中列出的聊天模型。',
  ),
  queue_full: row(
    429,
    'server_error',
    'Queue full',
    'Too many jobs are waiting. Try again later.',
    '排队任务过多，请稍后再试。',
  ),
  task_creation_failed: row(
    500,
    'server_error',
    'Task not created',
    'The task could not be created. Try again later.',
    '创建任务失败，请稍后重试',
  ),
  history_failed: row(
    500,
    'server_error',
    'History not read',
    'The history could not be read.',
    '获取历史记录失败',
  ),
  insufficient_storage: row(
    507,
    'server_error',
    'Insufficient storage',
    'The disk is full, so the picture could not be kept. Free some space and try again.',
    '磁盘已满，无法保存图片，请清理空间后重试。',
  ),
  object_unavailable: row(
    503,
    'server_error',
    'Object storage unavailable',
    'The picture is kept in the object storage, which cannot be read just now: {detail}',
    '图片保存在对象存储中，但目前无法读取：{detail}',
  ),
  object_damaged: row(
    502,
    'server_error',
    'Picture damaged',
    'The object storage gave other bytes than were kept, so the picture is not shown.',
    '对象存储返回的内容与保存时不一致，无法显示该图片。',
  ),
  object_storage_missing: invalid(
    'No object storage',
    'No object storage is configured; set the S3_ or R2_ variables.',
    '未配置对象存储，请设置 S3_ 或 R2_ 环境变量。',
    409,
  ),
  object_missing: row(
    502,
    'server_error',
    'Picture missing',
    'The bytes of this picture are neither on the disk nor in the object storage.',
    '该图片的内容在磁盘和对象存储中均不存在。',
  ),
  server_error: row(
    500,
    'server_error',
    'Internal error',
    'Something went wrong on the server.',
    '服务器内部错误',
  ),

  upstream_auth: upstream(
    'Upstream refused our key',
    'The upstream refused the key that this server uses. The operator has to check it.',
    '上游拒绝了服务器所用的密钥，请管理员检查。',
  ),
  insufficient_quota: row(
    429,
    'insufficient_quota',
    'Quota exceeded',
    'The quota at the upstream is used up: {detail}',
    '上游额度已用完：{detail}',
  ),
  rate_limit_exceeded: row(
    429,
    'rate_limit_error',
    'Rate limit exceeded',
    'The upstream is limiting requests: {detail}',
    '上游正在限流：{detail}',
  ),
  content_policy_violation: row(
    400,
    'image_generation_user_error',
    'Moderation blocked',
    'The request was blocked by content moderation: {detail}',
    '请求未通过内容审核：{detail}',
  ),
  no_image: upstream(
    'No image returned',
    'The upstream answered without a picture: {detail}',
    '上游未返回图片：{detail}',
  ),
  upstream_overloaded: upstream(
    'Upstream overloaded',
    'The upstream is overloaded: {detail}',
    '上游繁忙：{detail}',
  ),
  upstream_timeout: upstream(
    'Upstream timeout',
    'The upstream did not answer in time: {detail}',
    '上游响应超时：{detail}',
    504,
  ),
  upstream_unreachable: upstream(
    'Upstream unreachable',
    'The upstream could not be reached: {detail}',
    '无法连接上游：{detail}',
  ),
  upstream_error: upstream(
    'Upstream error',
    'The upstream gave a wrong answer: {detail}',
    '上游返回错误：{detail}',
  ),
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS
